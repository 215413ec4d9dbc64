"""Data named by venue, instrument and time: exactly one way, exact times, one canonical form."""

from pathlib import Path

import pytest

from trading_platform.config.load import load_layers
from trading_platform.config.run import config_sha256
from trading_platform.config.times import days_of, parse_time_ns, time_text
from trading_platform.model.errors import ConfigError

from .builders import changed, errors

RANGE: dict[str, object] = {
    "venue": "binance-usdm",
    "instrument": "BTCUSDT",
    "start": "2024-08-08T23:55:00Z",
    "end": "2024-08-09T00:00:00Z",
    "root": "catalogue",
}


def ranged(**values: object) -> dict[str, object]:
    return {"engine.data_files": None, "engine.data": RANGE | values}


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2024-08-08", 1_723_075_200 * 10**9),
        ("2024-08-08T00:00", 1_723_075_200 * 10**9),
        ("2024-08-08 00:00:01Z", 1_723_075_201 * 10**9),
        ("2024-08-08T02:00:00+02:00", 1_723_075_200 * 10**9),
        ("2024-08-08T00:00:00.000000001Z", 1_723_075_200 * 10**9 + 1),
        ("2024-08-08T00:00:00.5-00:30", 1_723_077_000 * 10**9 + 500_000_000),
    ],
)
def test_times_are_exact_to_the_nanosecond_and_have_one_text(text: str, ns: int) -> None:
    assert parse_time_ns(text, "start") == ns
    assert parse_time_ns(time_text(ns), "start") == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-13-01",
        "2024-08-08T25:00",
        "2024-08-08T00:00:00.0000000001Z",
        "1723075200",
        "1969-12-31",
    ],
)
def test_what_is_no_time_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^start must be (an ISO 8601 time|a time of 1970 to 2100)"):
        parse_time_ns(text, "start")


def test_days_of_a_half_open_range_leave_out_a_midnight_at_its_end() -> None:
    start, midnight = parse_time_ns("2024-08-08T23:59", ""), parse_time_ns("2024-08-09", "")
    assert days_of(start, midnight) == ["2024-08-08"]
    assert days_of(start, midnight + 1) == ["2024-08-08", "2024-08-09"]


def test_equal_ranges_have_one_form_and_one_hash() -> None:
    config = changed(ranged(start="2024-08-09T01:55:00.000+02:00", end="2024-08-09"))
    assert config_sha256(config) == config_sha256(changed(ranged()))
    resolved = config.resolved()["engine"]
    assert resolved["data"] == RANGE | {"root": "/data/catalogue"}
    assert resolved["data_files"] is None
    assert config.engine.data_names() == ["binance-usdm/BTCUSDT 2024-08-08T23:55:00Z to 2024-08-09T00:00:00Z"]


def test_data_is_named_exactly_once_and_the_error_names_both_ways() -> None:
    (both,) = errors({"engine.data": RANGE})
    assert both.startswith("engine.data must be left out where engine.data_files names the data")
    neither = errors({"engine.data_files": None, "id": ""})
    assert [line.partition(":")[0] for line in neither] == [
        'id must be 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit, was ""',
        "engine.data is required, or engine.data_files",
    ]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {"end": "2024-08-08T23:55:00Z"},
            'engine.data.end must be after start ("2024-08-08T23:55:00Z"), was "2024',
        ),
        (
            {"start": "noon"},
            "engine.data.start must be an ISO 8601 time such as 2024-08-08T23:54:00.123456789Z",
        ),
        ({"start": 1_723_161_300}, "engine.data.start must be text in quotes, was 1723161300"),
        (
            {"venue": "../binance"},
            "engine.data.venue must be 1 to 64 letters, digits or ._:@-, the first a letter, digit or @",
        ),
        ({"instrument": "BTC/USDT"}, "engine.data.instrument must be 1 to 64 letters, digits or"),
        ({"root": ""}, 'engine.data.root must not be empty, was ""'),
        ({"day": "2024-08-08"}, "engine.data.day is not a known key"),
    ],
)
def test_what_is_wrong_in_a_range_is_told_with_its_key(values: dict[str, object], line: str) -> None:
    assert any(found.startswith(line) for found in errors(ranged(**values))), errors(ranged(**values))


def test_a_range_brings_its_own_snapshot() -> None:
    (line,) = errors(ranged() | {"engine.initial_snapshot": "book.npz"})
    assert line.startswith(
        "engine.initial_snapshot must be left out with data, which brings the book at its start"
    )


def test_the_root_is_that_of_the_file_the_variable_or_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order; a relative one in a file is relative to the file, the others to where the command is run."""
    import json

    from .builders import with_changes

    monkeypatch.chdir(tmp_path)
    for name in ("data", "other", "configs/catalogue"):
        (tmp_path / name).mkdir(parents=True)
    values = dict(RANGE)
    file = tmp_path / "configs" / "run.json"

    def root(environment: dict[str, str]) -> str | None:
        file.write_text(json.dumps(with_changes({"engine.data_files": None, "engine.data": values})))
        data = load_layers([file], environment, {}).config.engine.data
        assert data is not None
        return data.root

    assert root({"TRADING_PLATFORM_DATA_ROOT": "other"}) == str(tmp_path / "configs" / "catalogue")
    del values["root"]
    assert root({"TRADING_PLATFORM_DATA_ROOT": "other"}) == str(tmp_path / "other")
    assert root({}) == str(tmp_path / "data")
    (tmp_path / "data").rmdir()
    with pytest.raises(
        ConfigError, match=r"engine\.data\.root must be an existing directory, was left out, which means"
    ):
        root({})
