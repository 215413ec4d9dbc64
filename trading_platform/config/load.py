"""Reading a configuration: every error at once, each with its place, its value, its origin, what would be right."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from ..model.errors import ConfigError
from .data_root import DATA_ROOT, data_root
from .fields import Problem, Section, join_key, show
from .instrument import FeesConfig, InstrumentConfig
from .layers import DEFAULT, Layers, Origin, parse_value
from .lines import PARAMS_KEY, problems_of
from .output import RUNS
from .run import FITTED, RunConfig, fit_problems

S = TypeVar("S", bound=Section)
M = TypeVar("M", bound=BaseModel)


class Loaded(NamedTuple):
    """A configuration, and the origin of each leaf of its resolved form by dotted key (a list is one leaf)."""

    config: RunConfig
    origins: Mapping[str, Origin]


def load_layers(
    files: Sequence[Path | str],
    environment: Mapping[str, str],
    overrides: Mapping[str, object],
    *,
    check_files: bool = True,
) -> Loaded:
    """Read a configuration from all its layers: files, environment, overrides. Later wins.

    Parameters
    ----------
    files : sequence of Path or str
        JSON files, one or more; numbers are read as exact decimals. A later one is merged (RFC 7396): objects key
        by key, lists replaced, null is back to the default. Paths in a file are relative to its directory.
    environment : mapping
        ``TRADING_PLATFORM__SECTION__KEY`` -> JSON or text; all other variables are none of ours.
    overrides : mapping
        Dotted key -> value, e.g. ``{"risk.trading_enabled": False}``; None is back to the default. Paths here and
        in the environment are relative to the directory of the first file.
    check_files : bool
        False accepts data files that are not on this machine (a plan for another one).

    Raises
    ------
    ConfigError : one line per problem, with the line of the file, the variable or the override it comes from
    """
    if not files:
        raise ConfigError("a configuration must have at least one file, had none")
    paths = [Path(file) for file in files]
    source = ", ".join(map(str, paths))
    layers = Layers()
    try:
        for index, path in enumerate(paths):
            layers.add_file(path, first=index == 0)
        layers.add_environment(environment)
        layers.add_overrides(overrides)
    except RecursionError as error:
        raise ConfigError(f"{source} must be nested less deeply") from error
    directory = paths[0].resolve().parent
    return _build(layers, source, directory, check_files=check_files, root=data_root(environment))


def load_config(
    path: Path | str, overrides: Mapping[str, object] | None = None, *, check_files: bool = True
) -> RunConfig:
    """Read one JSON file; the environment is not looked at. See `load_layers`."""
    return load_layers([path], {}, overrides or {}, check_files=check_files).config


def config_from_dict(
    raw: Mapping[str, Any],
    directory: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    check_files: bool = True,
) -> RunConfig:
    """Return the configuration of a parsed JSON object, e.g. `RunConfig.resolved` of a run record.

    ``directory`` is what relative data paths are relative to. Raises ConfigError like `load_layers`.
    """
    layers = Layers(raw=copy.deepcopy(dict(raw)))
    layers.add_overrides(overrides or {})
    return _build(layers, "configuration", directory.resolve(), check_files=check_files).config


def parse_override(text: str) -> tuple[str, object]:
    """Return key and value of "key=value" of a command line: the value is JSON, or text if it is none.

    Raises
    ------
    ConfigError : no "=", no key, or a value that is nested too deeply
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"an override must be key=value, such as engine.book_levels=5, was {show(text)}")
    return key.strip(), parse_value(value)


def validate_params(model: type[M], loaded: Loaded) -> M:
    """Return ``strategy.params`` as the strategy's own model.

    Raises
    ------
    ConfigError : one line per wrong parameter, with its origin; the last line names the parameters there are
    """
    given = loaded.config.strategy
    try:
        return model(**given.params)
    except ValidationError as error:
        problems = [
            Problem(key, text.replace("is not a known key", "is no parameter of the strategy"))
            for key, text in problems_of(error, model, PARAMS_KEY)
        ]
        layers = Layers(origins=dict(loaded.origins))
        known = ", ".join(model.model_fields) or "none"
        lines = [_line(problem, layers) for problem in problems]
        raise ConfigError("\n".join([*lines, f"parameters of {given.class_path}: {known}"])) from None


def _build(
    layers: Layers, source: str, directory: Path, *, check_files: bool, root: str = DATA_ROOT
) -> Loaded:
    try:
        raw = copy.deepcopy(layers.raw)
    except RecursionError as error:
        raise ConfigError(f"{source} must be nested less deeply") from error

    def directory_of(key: str) -> Path:
        origin = layers.origins.get(key, DEFAULT)
        return Path(origin.name).resolve().parent if origin.kind == "file" else directory

    problems = [
        *layers.problems,
        *_resolve_paths(raw, directory_of, check_files),
        *_resolve_data_root(raw, directory_of, check_files, root),
    ]
    config = None
    try:
        config = RunConfig.model_validate(raw)
    except ValidationError as error:
        problems += [*problems_of(error), *_partial_problems(raw)]
    if config is None or problems:
        lines = list(dict.fromkeys(_line(problem, layers) for problem in problems))
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise ConfigError("\n".join([f"{source}: {count}", *lines]))
    origins = {key: layers.origins.get(key, DEFAULT) for key, _ in leaves(config.resolved())}
    return Loaded(config, origins)


def leaves(resolved: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted key and value of each leaf of a resolved configuration; a list is one leaf."""
    for name, value in resolved.items():
        key = join_key(place, name)
        if isinstance(value, dict) and value:
            yield from leaves(value, key)
        else:
            yield key, value


def _resolve_paths(
    raw: dict[str, Any], directory_of: Callable[[str], Path], check_files: bool
) -> Iterator[Problem]:
    """Make the paths of ``raw`` absolute, in place; yield a problem per wrong path and per absent file."""
    output = raw.get("output", {})
    runs = output.get("directory", RUNS) if isinstance(output, dict) else None
    if isinstance(runs, str) and runs:
        try:
            path = (directory_of("output.directory") / runs).resolve()
            raw["output"] = output | {"directory": str(path)}
        except (OSError, ValueError) as error:
            yield Problem(
                "output.directory", f"must be a path that can be looked up, was {show(runs)}: {error}"
            )
    engine = raw.get("engine")
    if not isinstance(engine, dict):
        return
    places: list[tuple[Any, Any, str]] = [(engine, "initial_snapshot", "engine.initial_snapshot")]
    latency = engine.get("latency")
    if isinstance(latency, dict):
        places.append((latency, "file", "engine.latency.file"))
    files = engine.get("data_files")
    if isinstance(files, list):
        places += [(files, index, f"engine.data_files[{index}]") for index in range(len(files))]
    for holder, key, name in places:
        written = holder.get(key) if isinstance(holder, dict) else holder[key]
        if not isinstance(written, str | Path) or not str(written):
            continue  # the models tell
        try:
            path = (directory_of(name) / written).resolve()
            found = not check_files or path.is_file()
        except (OSError, ValueError) as error:
            yield Problem(name, f"must be a file that can be looked up, was {show(written)}: {error}")
            continue
        holder[key] = str(path)
        if not found:
            yield Problem(name, f"must be an existing file, was {show(written)} (looked for {path})")


def _resolve_data_root(
    raw: dict[str, Any], directory_of: Callable[[str], Path], check_files: bool, root: str
) -> Iterator[Problem]:
    """Make the root of the catalogue absolute, in place; ``root`` is what it is if left out."""
    engine, key = raw.get("engine"), "engine.data.root"
    data = engine.get("data") if isinstance(engine, dict) else None
    if not isinstance(data, dict):
        return
    given = data.get("root")
    if given is not None and (not isinstance(given, str) or not given):
        return  # the models tell
    try:
        path = (directory_of(key) / given if given is not None else Path(root)).resolve()
        found = not check_files or path.is_dir()
    except (OSError, ValueError) as error:
        yield Problem(key, f"must be a directory that can be looked up, was {show(given)}: {error}")
        return
    data["root"] = str(path)
    if not found:
        was = show(given) if given is not None else f"left out, which means {show(root)}"
        yield Problem(key, f"must be an existing directory, was {was} (looked for {path})")


def _line(problem: Problem, layers: Layers) -> str:
    """Return the line of a problem: key, text, and the origins of the value."""
    key, text = problem
    places = ", ".join(str(origin) for origin in layers.origins_of(key) if origin != DEFAULT)
    place = f" ({places})" if places else ""
    return f"{key or 'the configuration'} {text}{place}"


def _partial_problems(raw: dict[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit between those sections that are right by themselves, while others are not."""
    instrument = _valid(InstrumentConfig, raw, "engine.instrument")
    if instrument is None:
        return
    no_fees = FeesConfig(maker_rate=Decimal(0), taker_rate=Decimal(0))
    sections: list[tuple[str, Any]] = [(path, _valid(model, raw, path)) for path, model in FITTED.items()]
    present = [(path, section) for path, section in sections if section is not None]
    yield from fit_problems(instrument, instrument.to_instrument(no_fees), present)


def _valid(model: type[S], raw: dict[str, Any], path: str) -> S | None:
    value: Any = raw
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    try:
        return model.model_validate(value)
    except ValidationError:
        return None  # its own errors are in the list already
