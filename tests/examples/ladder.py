"""The ladder's files, and its runs: each step runs once in a test session."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Final

from oracle.builders import REPOSITORY, Done, run

from trading_platform.config.load import load_config

README: Final = REPOSITORY / "examples" / "README.md"
LADDER: Final = REPOSITORY / "examples" / "ladder"
STEPS: Final = tuple(sorted(path.name for path in LADDER.iterdir() if path.is_dir()))
CONFIGS: Final = {path.parent.name[:2]: path for path in sorted(LADDER.glob("*/*.json"))}
AT_ONCE: Final = ("engine.replace_policy", "at_once")
WHOLE_FILLS: Final = ("engine.exchange_model", "no_partial_fill")
NO_SKEW: Final = ("strategy.params.skew_step", 0)
TOUCH: Final = ("output.journal_touch", True)  # TOUCH events between the others: nothing else changes


class Runs:
    """Runs of the ladder's configs, made when first asked for."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._done: dict[tuple[object, ...], Done] = {}

    def get(self, step: str, *override: object) -> Done:
        """Return the run of a step's config, with one key overridden if ``override`` is (key, value)."""
        key = (step, *override)
        if key not in self._done:
            path = CONFIGS[step]
            config = load_config(path, {str(override[0]): override[1]} if override else None)
            self._done[key] = run(config, self._parent / f"{step}-{len(self._done)}", search=path.parent)
        return self._done[key]


def script(name: str) -> ModuleType:
    """Return a script of the ladder as a module."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, LADDER / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
