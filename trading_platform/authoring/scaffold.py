"""Write a new strategy: a module that works, its test, its config, and a small market to run on."""

import builtins
import importlib.util
import keyword
import re
import sys
import sysconfig
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from ..model.errors import ConfigError
from .market import write_market

NAME_MAX: Final = 30
SEED: Final = 1
MARKET_SECONDS: Final = 120
MARKET_FILE: Final = "synthetic_market.npz"
SCHEMA_FILE: Final = "config.schema.json"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class NewStrategy:
    """What was written: ``files`` new ones, ``kept`` those that were there and fit."""

    class_path: str
    config: Path
    test: Path
    files: tuple[Path, ...]
    kept: tuple[Path, ...]


def new_strategy(name: str, directory: Path, *, compiled: bool = False) -> NewStrategy:
    """Write ``name.py``, ``test_name.py`` and ``name.json`` into ``directory``, and the market and schema they use.

    Parameters
    ----------
    name : my_maker or MyMaker: the module gets the first form, the class the second
    directory : made if it is not there
    compiled : a compiled strategy, else an interpreted one

    Raises
    ------
    ConfigError : the name is no name for a module, or one of the files exists; nothing was written then
    DataError : the market's file exists with other content
    """
    module, camel = module_name(name), class_name(name)
    strategy = f"{module}:{module if compiled else camel}"
    words = {"my_maker": module, "MyMaker": camel, "STRATEGY": strategy, "MARKET": MARKET_FILE}
    texts = {
        directory / f"{module}.py": _filled("compiled.py" if compiled else "interpreted.py", words),
        directory / f"test_{module}.py": _filled("test.py", words),
        directory / f"{module}.json": _filled("config.json", words),
    }
    for path in texts:
        if path.exists():
            raise ConfigError(f"{path} must not exist: nothing was written; choose another name or --dir")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--dir must be a directory, was {directory}: {error.strerror}") from error
    shared = (directory / MARKET_FILE, directory / SCHEMA_FILE)
    kept = tuple(path for path in shared if path.exists())
    write_market(shared[0], seed=SEED, seconds=MARKET_SECONDS)
    if shared[1] not in kept:
        texts[shared[1]] = _schema()
    for path, text in texts.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    written = (*texts, *(path for path in shared[:1] if path not in kept))
    return NewStrategy(strategy, directory / f"{module}.json", directory / f"test_{module}.py", written, kept)


def module_name(name: str) -> str:
    """Return the snake_case form of a name, as a module is called.

    Raises
    ------
    ConfigError : it is no name, is too long, or hides a module of Python or a word of the language
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"NAME must be letters and digits, as in my_maker or MyMaker, was {name!r}"
            + (f": write {_suggested(name)}" if _suggested(name) else "")
        )
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    if len(snake) > NAME_MAX:
        raise ConfigError(f"NAME must have at most {NAME_MAX} characters, was {snake} with {len(snake)}")
    taken = snake in sys.stdlib_module_names or keyword.iskeyword(snake) or snake in dir(builtins)
    taken = taken or snake in ("conftest", "trading_platform") or snake.startswith("test_")
    if taken or _is_installed(snake):
        raise ConfigError(
            f"NAME must not be {name}: Python or pytest would take {snake}.py for something else; "
            f"write {snake.removeprefix('test_')}_maker"
        )
    return snake


def _is_installed(module: str) -> bool:
    """Tell whether a module is that of an installed library, which one's own of that name would hide."""
    spec = importlib.util.find_spec(module)
    roots = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    return spec is not None and any(root in Path(spec.origin or "").resolve().parents for root in roots)


def class_name(name: str) -> str:
    """Return the CamelCase form of a name, as a class is called."""
    return "".join(part[:1].upper() + part[1:] for part in module_name(name).split("_"))


def _suggested(name: str) -> str:
    """Return a name like the wrong one that would do; empty if there is none."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9]+", "_", latin).strip("_")
    return re.sub(r"^[0-9_]+", "", text)


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = (resources.files(__package__) / "templates" / f"{template}.txt").read_text(encoding="utf-8")
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text


def _schema() -> str:
    schemas = resources.files("trading_platform.core") / "schemas"
    return (schemas / SCHEMA_FILE).read_text(encoding="utf-8")
