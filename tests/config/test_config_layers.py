"""Layers: files merged, environment, overrides; which wins, what paths are relative to, and where a value is from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from trading_platform.config.layers import Layers, Origin, read_file
from trading_platform.config.load import Loaded, leaves, load_layers, validate_params
from trading_platform.model.errors import ConfigError
from trading_platform.strategies.params import Qty, StrategyParams

from .builders import with_changes

Write = Callable[[str, object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a JSON file, one key a line."""

    def write_file(name: str, document: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document, indent=1))
        return path

    return write_file


def load(
    *files: Path, environment: dict[str, str] | None = None, overrides: dict[str, object] | None = None
) -> Loaded:
    return load_layers(files, environment or {}, overrides or {}, check_files=False)


def lines(*files: Path, **layers: Any) -> list[str]:
    """Return the lines of the error, without the headline."""
    with pytest.raises(ConfigError) as caught:
        load(*files, **layers)
    return str(caught.value).split("\n")[1:]


def test_each_layer_wins_over_those_before_it(write: Write) -> None:
    base = write("base.json", with_changes({"engine.book_levels": 1}))
    files = base, write("more.json", {"engine": {"book_levels": 2}})
    variable = {"TRADING_PLATFORM__ENGINE__BOOK_LEVELS": "3"}
    override: dict[str, object] = {"engine.book_levels": 4}

    assert load(base).config.engine.book_levels == 1
    assert load(*files).config.engine.book_levels == 2
    assert load(*files, environment=variable).config.engine.book_levels == 3
    assert load(*files, environment=variable, overrides=override).config.engine.book_levels == 4


def test_a_later_file_merges_objects_replaces_lists_and_removes_with_null(write: Write) -> None:
    """RFC 7396."""
    first = with_changes(
        {"risk.max_loss.max_drawdown": 5, "engine.book_levels": 7, "strategy.params": {"a": 1}}
    )
    patch = {
        "engine": {"data_files": ["c.npz"], "book_levels": None, "fees": {"maker_rate": "0.0001"}},
        "risk": {"max_loss": None},
        "strategy": {"params": {"b": {"c": None, "d": 2}}},
    }
    config = load(write("first.json", first), write("patch.json", patch)).config

    assert [path.name for path in config.engine.data_files] == ["c.npz"]
    assert config.engine.book_levels == 0
    assert (str(config.engine.fees.maker_rate), str(config.engine.fees.taker_rate)) == ("0.0001", "0.0005")
    assert config.risk.max_loss is None
    assert config.strategy.params == {"a": 1, "b": {"d": 2}}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON_VALUES, max_size=4)


def rfc7396(target: Any, patch: Any) -> Any:
    """MergePatch of RFC 7396, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = rfc7396(merged.get(name), value)
    return merged


def merged(directory: Path, target: dict[str, Any], patch: dict[str, Any]) -> Layers:
    layers = Layers()
    for name, document in (("target.json", target), ("patch.json", patch)):
        (directory / name).write_text(json.dumps(document))
        layers.add_file(directory / name, first=name == "target.json")
    return layers


@settings(deadline=None)  # other work on the machine must not fail a test
@given(OBJECTS, OBJECTS)
def test_merging_is_what_the_rfc_says(
    tmp_path_factory: pytest.TempPathFactory, target: dict[str, Any], patch: dict[str, Any]
) -> None:
    """The nulls of a list are taken as they are, and so is the first file."""
    assert merged(tmp_path_factory.getbasetemp(), target, patch).raw == rfc7396(target, patch)


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_every_key_has_the_origin_of_the_file_that_set_it_last(
    tmp_path_factory: pytest.TempPathFactory, target: dict[str, Any], patch: dict[str, Any]
) -> None:
    layers = merged(tmp_path_factory.getbasetemp(), target, patch)
    unknown = {problem.key for problem in layers.problems}  # removed, but never a key: told with their origin

    assert set(layers.origins) - unknown == set(every_key(layers.raw))
    for key, value in leaves(rfc7396({}, patch)):
        if value != {}:  # an empty object sets nothing
            assert Path(layers.origins[key].name).name == "patch.json", key


def every_key(value: Any, place: str = "") -> list[str]:
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        pairs = [(f"{place}.{name}" if place else name, item) for name, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{place}[{index}]", item) for index, item in enumerate(value)]
    return [found for key, item in pairs for found in (key, *every_key(item, key))]


def test_removing_a_key_that_does_not_exist_is_an_error(write: Write) -> None:
    """A typo must not be silent because its value is null."""
    base, patch = write("base.json", with_changes()), write("patch.json", {"risk": {"max_los": None}})

    assert lines(base, patch) == [f"risk.max_los is not a known key: did you mean max_loss? ({patch}:3)"]
    assert lines(base, overrides={"engine.book_level": None}) == [
        "engine.book_level is not a known key: did you mean book_levels? (--set engine.book_level)"
    ]


def test_null_of_an_override_is_back_to_the_default(write: Write) -> None:
    base = write("base.json", with_changes({"engine.depth.kind": "hashmap", "engine.max_wakeups": 5}))
    found = load(base, overrides={"engine.depth": None, "engine.max_wakeups": None})

    assert found.config.engine.depth.kind == "auto"
    assert found.config.engine.max_wakeups is None
    assert found.origins["engine.depth.kind"] == found.origins["engine.max_wakeups"] == Origin("default")


# --- environment ---


def test_variables_are_read_in_any_case_as_json_or_text(write: Write) -> None:
    base = write("base.json", with_changes({"strategy.params": {"orderQty": "1"}}))
    environment = {
        "trading_platform__risk__Scope": "night shift",
        "TRADING_PLATFORM__RISK__TRADING_ENABLED": "false",
        "TRADING_PLATFORM__ENGINE__FEES__MAKER_RATE": "0.0003",
        "TRADING_PLATFORM__STRATEGY__PARAMS__ORDERQTY": '"2"',
        "TRADING_PLATFORM__STRATEGY__PARAMS__LEVELS": "3",
        "TRADING_PLATFORM_RUNS": "elsewhere",
        "PATH": "/bin",
    }
    config = load(base, environment=environment).config

    assert config.risk.scope == "night shift"
    assert config.risk.trading_enabled is False
    assert str(config.engine.fees.maker_rate) == "0.0003"
    assert config.strategy.params == {"orderQty": "2", "levels": 3}


def test_a_section_in_a_variable_comes_before_its_keys(write: Write) -> None:
    """Whatever order the environment has."""
    environment = {
        "TRADING_PLATFORM__RISK__MAX_LOSS__MAX_DRAWDOWN": "7",
        "TRADING_PLATFORM__RISK__MAX_LOSS": '{"max_drawdown": 1, "currency": "USDT"}',
    }
    for order in (list(environment), list(reversed(environment))):
        found = load(
            write("base.json", with_changes()), environment={name: environment[name] for name in order}
        )
        assert found.config.risk.max_loss is not None
        assert found.config.risk.max_loss.max_drawdown == 7
        assert found.config.risk.max_loss.currency == "USDT"


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"TRADING_PLATFORM__RISK__SCOP": "x"},
            "risk.scop is not a known key: did you mean scope? (TRADING_PLATFORM__RISK__SCOP)",
        ),
        (
            {"TRADING_PLATFORM__ENGINE__BOOK_LEVELS": "many"},
            'engine.book_levels must be an integer, was "many" (TRADING_PLATFORM__ENGINE__BOOK_LEVELS)',
        ),
        (
            {"TRADING_PLATFORM__ID__X": "1"},
            'TRADING_PLATFORM__ID__X: id must be an object, was "unit"',
        ),
        (
            {"TRADING_PLATFORM__RISK____SCOPE": "x"},
            "TRADING_PLATFORM__RISK____SCOPE must be TRADING_PLATFORM__SECTION__KEY: section or key is empty",
        ),
        (
            {"TRADING_PLATFORM__": "x"},
            "TRADING_PLATFORM__ must be TRADING_PLATFORM__SECTION__KEY: section or key is empty",
        ),
    ],
)
def test_a_wrong_variable_is_named(write: Write, environment: dict[str, str], line: str) -> None:
    assert lines(write("base.json", with_changes()), environment=environment) == [line]


def test_a_variable_in_two_cases_is_an_error(write: Write) -> None:
    environment = {"TRADING_PLATFORM__RISK__SCOPE": "a", "trading_platform__RISK__scope": "b"}
    assert lines(write("base.json", with_changes()), environment=environment) == [
        f"{name} must be set once, was set again in another case" for name in sorted(environment)
    ]


# --- paths ---


def test_paths_are_relative_to_the_file_that_says_them(write: Write, tmp_path: Path) -> None:
    first = write("one/base.json", with_changes({"output.directory": "here"}))
    second = write("two/data.json", {"engine": {"data_files": ["../x.npz", "/abs/y.npz"]}})
    found = load(first, second, overrides={"engine.initial_snapshot": "book.npz"}).config
    assert [str(path) for path in found.engine.data_files] == [str(tmp_path / "x.npz"), "/abs/y.npz"]
    assert found.engine.initial_snapshot == tmp_path / "one" / "book.npz"
    assert found.output.directory == str(tmp_path / "one" / "here")

    variable = {"TRADING_PLATFORM__OUTPUT__DIRECTORY": "runs-of-tonight"}
    assert load(first, second, environment=variable).config.output.directory == str(
        tmp_path / "one" / "runs-of-tonight"
    )


def test_the_default_directory_of_runs_is_beside_the_first_file(write: Write, tmp_path: Path) -> None:
    """Also if another file has an output section that does not say where."""
    second = write("two/output.json", {"output": {"audit": "all"}})
    assert load(write("one/base.json", with_changes()), second).config.output.directory == str(
        tmp_path / "one" / "runs"
    )


# --- origins ---


def test_every_leaf_of_the_resolved_form_has_an_origin(write: Write) -> None:
    base = write("base.json", with_changes({"strategy.params": {"a": {"b": [1, 2]}, "empty": {}}}))
    patch = write("patch.json", {"engine": {"fees": {"taker_rate": 0}}})
    found = load(
        base,
        patch,
        environment={"TRADING_PLATFORM__RISK__SCOPE": "x"},
        overrides={"risk.max_loss": {"max_drawdown": 5}},
    )
    expected = {
        "id": Origin("file", str(base), 2),
        "engine.fees.taker_rate": Origin("file", str(patch), 4),
        "engine.book_levels": Origin("default"),
        "risk.scope": Origin("env", "TRADING_PLATFORM__RISK__SCOPE"),
        "risk.max_loss.max_drawdown": Origin("flag", "risk.max_loss"),
        "risk.max_loss.rolling_loss": Origin("default"),
        "risk.notional_limits": Origin("default"),
        "strategy.params.empty": Origin("file", str(base), line_of(base, '"empty"')),
        "strategy.params.a.b": Origin("file", str(base), line_of(base, '"b"')),
        "engine.data_files": Origin("file", str(base), line_of(base, '"data_files"')),
    }

    assert set(found.origins) == {key for key, _ in leaves(found.config.resolved())}
    assert {key: found.origins[key] for key in expected} == expected
    assert [str(found.origins[key]) for key in ("id", "engine.book_levels", "risk.scope")] == [
        f"{base}:2",
        "default",
        "TRADING_PLATFORM__RISK__SCOPE",
    ]
    assert str(found.origins["risk.max_loss.max_drawdown"]) == "--set risk.max_loss"


def line_of(path: Path, text: str) -> int:
    return (
        path.read_text()
        .split("\n")
        .index(next(line for line in path.read_text().split("\n") if text in line))
        + 1
    )


NAMES = st.text('ab"\\{}],: \u00e9\u2028\n', min_size=1, max_size=3)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('a"\\{}[],:\n\u2028', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(NAMES, TREES, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_the_line_of_a_key_is_the_one_it_is_written_on(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.json"
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    path.write_text(text, encoding="utf-8")
    raw, found, problems = read_file(path)

    assert not problems
    assert list(found) == every_key(raw)
    rows = text.split("\n")
    for key, line in found.items():
        name = key[key.rfind(".") + 1 :]
        if "[" not in name:
            assert f"{json.dumps(name, ensure_ascii=ascii_only)}: " in rows[line - 1]
    if indent is not None:
        assert list(found.values()) == sorted(found.values())
        assert len(set(found.values())) == len(found)  # one key or entry a line


def test_error_lines_name_file_and_line_variable_or_override(write: Write) -> None:
    base = write("base.json", with_changes({"engine.book_levels": 500}))
    patch = write("patch.json", {"risk": {"scope": ""}})
    found = lines(
        base,
        patch,
        environment={"TRADING_PLATFORM__ENGINE__TRADES_CAPACITY": "-1"},
        overrides={"engine.max_wakeups": 0},
    )

    assert found == [
        f"engine.book_levels must be <= 200, was 500 ({base}:{line_of(base, 'book_levels')})",
        "engine.trades_capacity must be >= 0, was -1 (TRADING_PLATFORM__ENGINE__TRADES_CAPACITY)",
        "engine.max_wakeups must be >= 1, was 0 (--set engine.max_wakeups)",
        f'risk.scope must not be empty, was "" ({patch}:3)',
    ]


def test_a_key_that_misses_because_of_another_layer_names_that_layer(write: Write) -> None:
    base = write("base.json", with_changes({"engine.depth": {"kind": "auto"}}))
    variable = "TRADING_PLATFORM__ENGINE__DEPTH__KIND"

    assert lines(base, environment={variable: "roi"}) == [
        f"engine.depth.{key} is required for kind roi ({base}:{line_of(base, 'depth')}, {variable})"
        for key in ("roi_min", "roi_max")
    ]


def test_the_headline_names_all_files(write: Write) -> None:
    first, second = write("a.json", with_changes({"id": ""})), write("b.json", {})
    with pytest.raises(ConfigError) as caught:
        load(first, second)
    assert str(caught.value).startswith(f"{first}, {second}: 1 error\n")


def test_a_duplicate_key_names_its_file(write: Write, tmp_path: Path) -> None:
    second = tmp_path / "second.json"
    second.write_text('{"id": "x", "id": "y"}')
    (line,) = lines(write("base.json", with_changes()), second)
    assert line == f'key "id" must be there once, was 2 times in the object with id ({second})'


def test_no_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="must have at least one file"):
        load()


# --- parameters of the strategy ---


class _Params(StrategyParams):
    order_qty: Qty = Field(gt=0, description="quantity of each order")
    levels: int = Field(default=1, ge=1, le=4)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, "strategy.params.order_qty is required: quantity of each order"),
        ({"order_qty": 0}, "strategy.params.order_qty must be > 0, was 0"),
        ({"order_qty": None}, "strategy.params.order_qty must be a number, was null"),
        ({"order_qty": "x"}, "strategy.params.order_qty must be a decimal number, was 'x'"),
        ({"order_qty": 1, "levels": 5}, "strategy.params.levels must be <= 4, was 5"),
        ({"order_qty": 1, "levels": "2"}, 'strategy.params.levels must be an integer, was "2"'),
        (
            {"order_qty": 1, "level": 2},
            "strategy.params.level is no parameter of the strategy: did you mean levels?",
        ),
    ],
)
def test_wrong_parameters_are_told_like_wrong_keys(write: Write, params: dict[str, Any], text: str) -> None:
    base = write("base.json", with_changes({"strategy.params": params}))
    with pytest.raises(ConfigError) as caught:
        validate_params(_Params, load(base))
    line, last = str(caught.value).split("\n")

    assert line.startswith(text)
    if params:
        name = text.split(" ", maxsplit=1)[0].rpartition(".")[2]
        assert line == f"{text} ({base}:{line_of(base, json.dumps(name))})"
    assert last == "parameters of package.module:Maker: order_qty, levels"


def test_parameters_of_an_override_name_it(write: Write) -> None:
    loaded = load(write("base.json", with_changes()), overrides={"strategy.params.order_qty": "-1"})
    with pytest.raises(ConfigError, match=r"was -1 \(--set strategy\.params\.order_qty\)"):
        validate_params(_Params, loaded)


def test_right_parameters_come_back_as_the_model(write: Write) -> None:
    base = write("base.json", with_changes({"strategy.params": {"order_qty": "0.01"}}))
    assert validate_params(_Params, load(base)) == _Params.model_validate({"order_qty": "0.01", "levels": 1})
