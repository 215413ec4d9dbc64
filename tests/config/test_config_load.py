"""Reading files: every error at once, near matches, overrides, paths, round trip."""
# ruff: noqa: E501  (tables keep a case on a line)

import json
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from trading_platform.config.lines import MOVED
from trading_platform.config.load import config_from_dict, load_config, parse_override
from trading_platform.config.run import RunConfig, config_sha256
from trading_platform.model.errors import ConfigError

from .builders import BASE, changed, errors


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A configuration with its two (empty) data files next to it."""
    for name in BASE["engine"]["data_files"]:
        (tmp_path / name).touch()
    path = tmp_path / "run.json"
    path.write_text(json.dumps(BASE))
    return path


def failure(path: Path, text: str | None = None) -> str:
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_all_errors_are_told_at_once() -> None:
    assert errors(
        {
            "engine.instrument.tick_size": 0,
            "engine.instrument.lot_sise": 1,
            "engine.fees": None,
            "engine.book_levels": 201,
            "risk.position_limits.max_position": -1,
            "risk.postion_limits": {},
            "risk.max_loss.max_drawdown": -2000,
            "strategy": {},
            "output.run_id": "?",
        }
    ) == [
        "engine.instrument.tick_size must be > 0, was 0",
        "engine.instrument.lot_sise is not a known key: did you mean lot_size?",
        "engine.fees must be an object, was null",
        "engine.book_levels must be <= 200, was 201",
        "risk.position_limits.max_position must be > 0, was -1",
        "risk.max_loss.max_drawdown must be positive, was -2000: write 2000",
        "risk.postion_limits is not a known key: did you mean position_limits?",
        "strategy.class_path is required: module:Name of the strategy class or compiled strategy",
        "output.run_id must be 1 to 64 letters, digits, dots, dashes or underscores, "
        'the first a letter or digit, was "?"',
    ]


def test_what_does_not_fit_the_instrument_is_told_along_with_errors_elsewhere() -> None:
    assert errors(
        {
            "id": "",
            "risk.scope": 1,
            "risk.position_limits.max_position": "0.0005",
            "risk.max_loss": {"currency": "BTC", "max_drawdown": 1},
        }
    )[2:] == [
        "risk.position_limits.max_position must be a multiple of 0.001, was 0.0005 (nearest: 0.000 or 0.001)",
        "risk.max_loss.currency must be USDT (the instrument's), was BTC",
    ]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("engine.tick_size", "is not a known key here: did you mean engine.instrument.tick_size?"),
        ("engine.lot_size", "is not a known key here: did you mean engine.instrument.lot_size?"),
        ("max_drawdown", "is not a known key here: did you mean risk.max_loss.max_drawdown?"),
        ("engine.exchange_modle", "is not a known key: did you mean exchange_model?"),
        ("risk.max_loss.rolling_loss_window", "is not a known key: write risk.max_loss.rolling_loss_window_seconds (in seconds)"),
        ("nonsense", "is not a known key (known: id, description, engine, risk, strategy, output)"),
        ("output.zzz", "is not a known key (known: directory, stats_interval_seconds, journal_touch, audit, run_id)"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_answered_with_the_right_one(key: str, text: str) -> None:
    extra: dict[str, object] = {"risk.max_loss.max_drawdown": 1} if key.startswith("risk.max_loss") else {}
    assert errors(extra | {key: 1}) == [f"{key} {text}"]


def test_keys_of_flat_configurations_are_answered_with_a_place_that_exists() -> None:
    """Every target of the table is a key of today's configuration."""
    for old, new in MOVED.items():
        (line,) = errors({f"engine.{old}": 1})
        assert line == f"engine.{old} is not a known key: write {new}"
        path = new.split(",")[0].split(" ")[0]
        section: object = RunConfig
        for name in path.split("."):
            assert name in section.model_fields, new  # type: ignore[attr-defined]
            annotation = section.model_fields[name].annotation  # type: ignore[attr-defined]
            kinds = (annotation, *getattr(annotation, "__args__", ()))
            section = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)


def test_a_syntax_error_shows_its_line_and_column(config_file: Path) -> None:
    assert failure(config_file, '{\n  "id": "x",\n  "engine" 5\n}') == (
        f"{config_file}: line 3, column 12: Expecting ':' delimiter\n  \"engine\" 5\n           ^"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"id": "x",}', "remove the comma before }"),
        ('{\n// note\n"id": "x"}', "JSON has no comments, use description"),
        ("{'id': 1}", "JSON needs double quotes"),
        ("", "must be a JSON object, is empty"),
        (" \n", "must be a JSON object, is empty"),
        ('{\n"id": "x", "engine": {', "the file ends too early, was it cut off?"),
        ('{\n"id": "x", "eng', "the file ends too early, was it cut off?"),
    ],
)
def test_common_syntax_errors_have_a_hint(config_file: Path, text: str, hint: str) -> None:
    assert hint in failure(config_file, text)


def test_a_duplicate_key_is_an_error_beside_the_others(config_file: Path) -> None:
    text = json.dumps(BASE).replace('"tick_size"', '"tick_size": 1, "tick_size"').replace('"unit"', '""')
    headline, *lines = failure(config_file, text).split("\n")

    assert headline == f"{config_file}: 2 errors"
    assert lines[0].startswith(
        'key "tick_size" must be there once, was 2 times in the object with name, base_'
    )
    assert lines[1].startswith("id must be")
    assert lines[0].endswith(f" ({config_file})")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_no_json_are_told_with_their_key(config_file: Path, constant: str) -> None:
    text = json.dumps(BASE).replace('"0.001"', constant)
    assert f"engine.instrument.lot_size must be a finite number, was {constant}" in failure(config_file, text)


def test_numbers_are_read_exactly(config_file: Path) -> None:
    config_file.write_text(json.dumps(BASE).replace('"0.0002"', "0.000200000"))
    assert load_config(config_file).engine.fees.maker_rate == Decimal("0.0002")


def test_a_file_that_is_no_object_or_not_there_is_an_error(config_file: Path, tmp_path: Path) -> None:
    assert failure(config_file, "[1]") == f"{config_file} must be a JSON object, was a list of 1"
    assert "must be a readable file" in failure(tmp_path / "absent.json")
    assert "must be a readable file" in failure(tmp_path)
    config_file.write_bytes(b'{"id": "\xff"}')
    assert failure(config_file) == f"{config_file} must be UTF-8 text, was not at byte 8"
    assert "must be plain JSON" in failure(config_file, "[" * 100_000)
    assert "an exponent is too large" in failure(config_file, '{"id": 1e99999999999999999999}')
    assert "must be nested less deeply" in failure(config_file, '{"a":' * 500 + "1" + "}" * 500)


def test_data_paths_are_relative_to_the_file(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = load_config(config_file)
    assert config.engine.data_files == (config_file.parent / "a.npz", config_file.parent / "b.npz")


def test_missing_data_files_are_all_told_beside_other_errors(config_file: Path) -> None:
    (config_file.parent / "a.npz").unlink()
    overrides = {"engine.initial_snapshot": "none.npz", "id": ""}
    with pytest.raises(ConfigError) as caught:
        load_config(config_file, overrides)
    lines = str(caught.value).split("\n")

    assert lines[0] == f"{config_file}: 3 errors"
    directory = config_file.parent
    assert lines[1] == (
        f'engine.initial_snapshot must be an existing file, was "none.npz" (looked for {directory}/none.npz) '
        "(--set engine.initial_snapshot)"
    )
    assert (
        lines[2]
        == f'engine.data_files[0] must be an existing file, was "a.npz" (looked for {directory}/a.npz) '
        f"({config_file}:1)"
    )
    assert load_config(config_file, {"id": "plan"}, check_files=False).id == "plan"


def test_a_path_that_no_file_can_have_is_an_error() -> None:
    (line, *_) = errors({"engine.initial_snapshot": "a\0.npz"})
    assert line.startswith('engine.initial_snapshot must be a file that can be looked up, was "a\\u0000.npz"')


def test_overrides_reach_new_and_existing_keys(config_file: Path) -> None:
    overrides = {"risk.max_loss.max_drawdown": 5, "engine.book_levels": 3, "output": {"run_id": "r"}}
    config = load_config(config_file, overrides)

    assert config.risk.max_loss is not None
    assert config.risk.max_loss.max_drawdown == 5
    assert config.engine.book_levels == 3
    assert config.output.run_id == "r"


def test_an_override_below_a_value_is_an_error(config_file: Path) -> None:
    with pytest.raises(ConfigError, match=r'--set id\.x: id must be an object, was "unit"$'):
        load_config(config_file, {"id.x": 1})


def test_overrides_do_not_change_what_they_are_applied_to(tmp_path: Path) -> None:
    before = json.dumps(BASE)
    config_from_dict(BASE, tmp_path, {"engine.book_levels": 3}, check_files=False)
    assert json.dumps(BASE) == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("engine.book_levels=5", 5),
        ("engine.fees.maker_rate=0.10", Decimal("0.10")),
        ("risk.trading_enabled=false", False),
        ("risk.scope=night=1", "night=1"),
        ("engine.book_levels=1e99999999999999999999", "1e99999999999999999999"),
        ('engine.data_files=["a.npz"]', ["a.npz"]),
        ("risk.max_loss=null", None),
    ],
)
def test_an_override_is_json_or_text(text: str, value: object) -> None:
    assert parse_override(text) == (text.partition("=")[0], value)


@pytest.mark.parametrize("text", ["engine.book_levels", "=5", ""])
def test_an_override_without_key_or_value_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="an override must be key=value"):
        parse_override(text)


def test_an_override_that_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(ConfigError, match="a value must be nested less deeply, was") as caught:
        parse_override("a=" + "[" * 60_000)
    assert len(str(caught.value)) < 200


def test_an_output_directory_that_is_no_path_is_an_error_beside_the_others(config_file: Path) -> None:
    overrides = {"output.directory": "a\0b", "engine.book_levels": -1}
    with pytest.raises(
        ConfigError, match=r"output\.directory must be a path that can be looked up"
    ) as caught:
        load_config(config_file, overrides)
    assert "--set output.directory" in str(caught.value)
    assert "engine.book_levels must be" in str(caught.value)


def test_the_resolved_form_gives_an_equal_configuration(tmp_path: Path) -> None:
    config = changed(
        {
            "strategy.params": {"spread": Decimal("5.0"), "deep": [Decimal("1e2"), {"x": None}], "n": 3},
            "engine.queue_model": {"kind": "power_prob", "exponent": "2.50"},
            "risk.max_loss": {"rolling_loss": 1, "rolling_loss_window_seconds": "0.5"},
            "$schema": "config.schema.json",
        }
    )
    resolved = json.loads(json.dumps(config.resolved()))
    again = config_from_dict(resolved, tmp_path, check_files=False)

    assert again == config
    assert again.resolved() == resolved
    assert config_sha256(again) == config_sha256(config)
    assert resolved["strategy"]["params"] == {"spread": "5", "deep": ["100", {"x": None}], "n": 3}
    assert resolved["engine"]["queue_model"]["exponent"] == "2.5"
    assert resolved["engine"]["data_files"] == ["/data/a.npz", "/data/b.npz"]


def test_the_hash_depends_on_values_and_not_on_how_they_are_written() -> None:
    same = {
        "engine.instrument.tick_size": Decimal("0.10"),
        "engine.depth": {"kind": "auto"},
        "$schema": "x",
        "risk.max_loss": None,
    }
    assert config_sha256(changed(same)) == config_sha256(changed())
    assert config_sha256(changed({"engine.book_levels": 1})) != config_sha256(changed())
    assert len(config_sha256(changed())) == 64


def test_the_schema_reference_must_be_text() -> None:
    assert errors({"$schema": 5}) == ["$schema must be a path or URL, was 5"]


def test_the_models_refuse_relative_paths_outside_load_config() -> None:
    with pytest.raises(ValidationError, match="must be absolute"):
        RunConfig.model_validate(BASE)


def test_output_directory_is_relative_to_the_config_file(tmp_path: Path) -> None:
    raw = BASE | {"output": {"directory": "../elsewhere/runs"}}
    path = tmp_path / "configs" / "run.json"
    path.parent.mkdir()
    path.write_text(json.dumps(raw))
    assert load_config(path, check_files=False).output.directory == str(tmp_path / "elsewhere" / "runs")
