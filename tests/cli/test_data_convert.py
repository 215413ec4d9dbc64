"""``data convert`` says what it assumed, what it left out and what to do next."""

import json
from pathlib import Path

import pytest
from market_data.builders import T0_MS, depth, record, trade

from trading_platform.data.manifest import read_manifest

from .calling import Command


def test_what_was_assumed_and_left_out_is_told(tool: Command, tmp_path: Path) -> None:
    lines = [
        (0, depth(1, ids=(1, 2, 0))),
        (1, trade(1)),
        (2, json.dumps({"e": "novelty", "s": "BTCUSDT"})),
        (3, depth(2, ids=(9, 10, 8))),
    ]
    path = record(tmp_path / "day.gz", lines)

    answer = tool("data", "convert", "binance-usdm", path, "--out", tmp_path / "out", "--tick-size", "0.1")

    assert answer.code == 0, answer.err
    for words in (
        "receipt clock was 0.001000001 s behind: corrected once",
        "gap before day.gz:4: expected id 2, found 8",
        "the last gap is open: no snapshot came after it",
        "ignored 1 novelty",
        "lot size 0.001 is derived from the decimals of the data: give that of the date with --lot-size",
        "(3 rows, 1 gap, errors)",
        "error SEQUENCE_GAP 1: holes in the venue's sequence ids",
        "next: trading-platform run",
    ):
        assert words in answer.out
    assert "tick size" not in answer.out


def test_a_table_is_converted_with_a_mapping_of_options_and_file(tool: Command, tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"price": "px", "exch_time": "ts"}))
    (tmp_path / "a.csv").write_text(f"ts,side,px,qty\n{T0_MS},buy,1.5,2\n")
    options = ("--venue", "v", "--instrument", "X", "--feed-latency-us", 5, "--map", tmp_path / "map.json")

    answer = tool(
        *("data", "convert", "csv", tmp_path / "a.csv", "--out", tmp_path / "out", "--json"),
        *(*options, "--map", "kind==trade"),
    )

    assert answer.code == 0, answer.err
    (made,) = answer.json["files"]
    assert (made["rows"], made["day"], answer.json["latency_min_ns"]) == (1, "2024-08-08", 5000)
    manifest = read_manifest(Path(made["path"]).with_suffix(".json"))
    assert (manifest.venue, manifest.instrument, str(manifest.tick_size)) == ("v", "X", "0.1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tick-size", "small"), "--tick-size must be a decimal number such as 0.1, was 'small'"),
        (("--map", "nowhere.json"), "--map must be OURS=THEIRS or a JSON file of such pairs"),
        (("--map", "price=a", "--map", "price=b"), "--map price must be given once, was given again as 'b'"),
        (("--map", "bid=b"), "--map must name columns of kind"),
        (("--feed-latency-us", "0"), "--feed-latency-us"),
    ],
)
def test_wrong_options_are_refused_and_write_nothing(
    tool: Command, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "a.csv").write_text("price\n1\n")
    answer = tool(
        *("data", "convert", "csv", tmp_path / "a.csv", "--out", tmp_path / "out"),
        *("--venue", "v", "--instrument", "X", *options),
    )

    assert answer.code == 2
    assert words in " ".join(answer.err.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
