"""``data synth``: a market from a seed."""

from pathlib import Path

import numpy as np
import pytest

from cli.calling import Command
from trading_platform.data.files import load_events
from trading_platform.data.synth import synthesize

START_NS = 1_722_470_400_000_000_000  # 2024-08-01 00:00 UTC


def test_synth_writes_the_market_of_the_seed(tool: Command, tmp_path: Path) -> None:
    out = tmp_path / "market.npz"
    answer = tool("data", "synth", "--out", out, "--seed", 7, "--seconds", 20, "--price", 30_000)

    expected = synthesize(7, START_NS, 20 * 10**9, price_ticks=300_000)
    assert np.array_equal(load_events(out), expected)
    assert f"wrote {out} ({len(expected):,} rows, seed 7)" in answer.out
    assert "next: trading-platform run" in answer.out


def test_synth_as_json_tells_what_made_it(tool: Command, tmp_path: Path) -> None:
    out = tmp_path / "market.npy"
    answer = tool("data", "synth", "-o", out, "--seconds", 5, "--start", "2024-08-01T00:00:01", "--json")

    assert answer.json == {
        "out": str(out),
        "rows": len(load_events(out)),
        "seed": 1,
        "start_ns": START_NS + 10**9,
        "duration_ns": 5 * 10**9,
    }


def test_synth_of_so_many_rows_tells_the_time_they_cover(tool: Command, tmp_path: Path) -> None:
    out = tmp_path / "market.npy"
    answer = tool("data", "synth", "-o", out, "--rows", 3_000, "--json")

    rows = load_events(out)
    assert len(rows) == answer.json["rows"] == 3_000
    assert answer.json["duration_ns"] == rows["exch_ts"].max() - START_NS


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--out", "market.csv"), ("market.csv", ".npy or .npz")),
        (("--out", "market.npz", "--price", 5), ("--price must be", "was 5")),
        (("--out", "market.npz", "--start", "1960-01-01"), ("--start must be", "1971")),
        (("--out", "market.npz", "--seconds", 0), ("--seconds",)),
        (("--out", "market.npz", "--rows", 239), ("rows must be >= 240", "was 239")),
        (("--out", "market.npz", "--rows", 1000, "--seconds", 5), ("--rows must be", "--seconds 5")),
        (("--out", "market.npz", "--seed", -1), ("--seed",)),
    ],
)
def test_bad_input_of_synth_writes_nothing(
    tool: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = tool("data", "synth", *options)

    assert answer.code == 2
    assert all(word in answer.err for word in words)
    assert list(tmp_path.iterdir()) == []


def test_synth_keeps_another_file_unless_told(tool: Command, tmp_path: Path) -> None:
    out = tmp_path / "market.npz"
    assert tool("data", "synth", "-o", out, "--seconds", 2).code == 0
    before = out.read_bytes()
    kept = tool("data", "synth", "-o", out, "--seconds", 2, "--seed", 2)
    assert (kept.code, out.read_bytes()) == (2, before)
    assert tool("data", "synth", "-o", out, "--seconds", 2, "--seed", 2, "--overwrite").code == 0
    assert out.read_bytes() != before
