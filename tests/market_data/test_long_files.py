"""A conversion holds a bounded number of rows, whatever the size of its input, and leaves nothing half-written."""

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from bad_input.test_disks import allowed

from trading_platform.data.catalog import find_files
from trading_platform.data.certify.store import certify_files
from trading_platform.data.convert import convert, pipeline
from trading_platform.data.files import load_events
from trading_platform.data.manifest import read_manifest
from trading_platform.model.errors import DataError

from .builders import T0_NS, USDM_FILE, depth, record, recordings, trade

TILES: Final = 50
PEAK_MB: Final = 500
TILE_MS: Final = 350_000  # a tile's length: the recording takes 345 s
CONVERT: Final = """
import resource, sys
from trading_platform.data.convert import convert
result = convert("binance-usdm", sys.argv[1:2], sys.argv[2])
print(sum(file.rows for file in result.files), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
ON_SMALL_DISK: Final = """
mount -t tmpfs -o size=$1 tmpfs "$2" || exit 99
size=$1; out=$2; shift 2
mkdir "$out/kept" && echo kept > "$out/kept/file"
"$@"; code=$?
ls -A "$out" "$out/kept"; cat "$out/kept/file"
exit $code
"""


def tiles(path: Path, count: int) -> Iterator[bytes]:
    """Yield a recording again and again, each time later."""
    text = gzip.decompress(path.read_bytes())
    for number in range(count):
        shift_ms = number * TILE_MS

        def later(found: re.Match[bytes], shift_ms: int = shift_ms) -> bytes:
            return found[1] + str(int(found[2]) + shift_ms).encode()

        def received(found: re.Match[bytes], shift_ms: int = shift_ms) -> bytes:
            return str(int(found[0]) + shift_ms * 1_000_000).encode()

        moved = re.sub(rb'("[ET]":)(\d{13})', later, text)
        yield re.sub(rb"^\d{19}", received, moved, flags=re.MULTILINE)


@pytest.mark.long
def test_a_recording_fifty_times_as_long_needs_no_more_memory(tmp_path: Path) -> None:
    (path,) = recordings(USDM_FILE)
    long = tmp_path / "long.gz"
    with gzip.open(long, "wb", compresslevel=1) as out:
        for text in tiles(path, TILES):
            out.write(text)

    def converted(recording: Path, out: str) -> tuple[int, int]:
        command = [sys.executable, "-c", CONVERT, str(recording), str(tmp_path / out)]
        answer = subprocess.run(command, capture_output=True, check=True, text=True)
        rows, peak_mb = map(int, answer.stdout.split()[-2:])
        return rows, peak_mb

    converted(path, "compiled")  # compiling takes memory of its own, once per installation
    rows, peak_mb = converted(long, "out")
    assert rows >= TILES * 491_000
    assert peak_mb < PEAK_MB
    assert len(list((tmp_path / "out").rglob("*.npy"))) == 2, "the tiles pass midnight once"


def test_a_row_that_is_too_late_to_be_held_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "HELD_ROWS_MAX", 3)
    monkeypatch.setattr("trading_platform.data.convert.binance.BUFFER_ROWS", 4)
    monkeypatch.setattr("trading_platform.data.convert.lines.BLOCK_BYTES", 400)
    lines = [(number, trade(number)) for number in range(2, 200)]

    with pytest.raises(DataError, match=r"day.gz:199: exchange time must be at most 3 rows late"):
        convert("binance-usdm", [record(tmp_path / "day.gz", [*lines, (30, trade(0))])], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_late_row_of_merged_channels_is_named_in_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunks of a merged stream are not those of its files."""
    monkeypatch.setattr(pipeline, "HELD_ROWS_MAX", 3)
    t0_us = T0_NS // 1000
    head = "exchange,symbol,timestamp,local_timestamp"
    trades = [f"x,A,{t0_us + at},{t0_us + at + 1},{at},buy,1,1" for at in range(10)]
    book = [f"x,A,{t0_us + at},{t0_us + at + 1},false,bid,1,1" for at in range(10)]
    paths = [tmp_path / "trades.csv", tmp_path / "book.csv"]
    paths[0].write_text("\n".join([f"{head},id,side,price,amount", *trades]))
    late = f"x,A,{t0_us + 5},{t0_us + 12},false,bid,1,2"
    paths[1].write_text("\n".join([f"{head},is_snapshot,side,price,amount", *book, late, ""]))

    with pytest.raises(DataError, match=r"book.csv:12: exchange time must be at most 3 rows late"):
        convert("tardis", paths, tmp_path / "out")


def test_a_file_over_midnight_becomes_two_days_that_replay_as_one(tmp_path: Path) -> None:
    midnight_ms = (T0_NS // (86_400 * 10**9) + 1) * 86_400_000 - T0_NS // 10**6
    lines = [
        (midnight_ms + ms, trade(midnight_ms + ms - late)) for ms, late in ((-2, 3), (-1, 1), (0, 4), (1, 1))
    ]

    result = convert("binance-usdm", [record(tmp_path / "day.gz", lines)], tmp_path / "out")

    assert [file.path.relative_to(tmp_path / "out").as_posix() for file in result.files] == [
        "binance-usdm/BTCUSDT/2024-08-08/day.npy",
        "binance-usdm/BTCUSDT/2024-08-09/day.npy",
    ]
    rows = np.concatenate([load_events(file.path) for file in result.files])
    assert (np.diff(rows["exch_ts"][rows["ev"] >> np.uint64(31) & np.uint64(1) == 1]) >= 0).all()
    for file in result.files:
        facts = read_manifest(file.manifest)
        assert facts == file.facts
        assert facts.output.local_rows == 2
        assert facts.report["lines"] == 4, "the report is of the whole input"


def test_a_full_disk_leaves_nothing_and_harms_nothing(tmp_path: Path) -> None:
    lines = [(number, depth(number, ids=(number, number, number - 1))) for number in range(1, 20_000)]
    path = record(tmp_path / "day.gz", lines)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "trading_platform.cli", "data", "convert", "binance-usdm", str(path)]
    for size in ("200k", "1500k"):  # no room for the first pass, none for the second
        before = allowed(ON_SMALL_DISK, size, str(out))
        answer = subprocess.run(
            [*before, *command, "--out", str(out), "--json"], capture_output=True, check=False, text=True
        )
        assert answer.returncode == 2, answer
        assert answer.stderr.startswith("DataError: "), answer.stderr
        assert "free space or write elsewhere" in answer.stderr
        assert answer.stdout.split() == [f"{out}:", "kept", f"{out}/kept:", "file", "kept"]


def test_each_day_of_a_file_over_midnight_has_its_own_gaps(tmp_path: Path) -> None:
    midnight_ms = (T0_NS // (86_400 * 10**9) + 1) * 86_400_000 - T0_NS // 10**6
    lines = [
        (midnight_ms + ms + 1, depth(midnight_ms + ms, ids=(first, first, before)))
        for ms, first, before in ((-3000, 1, 0), (-2000, 2, 1), (1000, 9, 8), (2000, 20, 19))
    ]

    result = convert("binance-usdm", [record(tmp_path / "night.gz", lines)], tmp_path / "out")

    assert result.gap_count == 2
    assert [file.manifest.gap_count for file in find_files(tmp_path / "out")] == [0, 2]
    certificates = certify_files([file.path for file in result.files]).files
    told = [[finding for finding in one.findings if finding.code == "SEQUENCE_GAP"] for one in certificates]
    assert told[0] == []
    assert [(place.row, place.value) for place in told[1][0].places] == [(0, 6), (1, 10)]
