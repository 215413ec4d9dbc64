"""Conversion keeps every row, corrects one clock once, and reports what it found."""

import gzip
import json
import signal
import subprocess
import sys
import zlib
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from trading_platform.data.convert import (
    BASE_LATENCY_NS,
    CONVERTERS,
    ConvertResult,
    base,
    binance,
    convert,
    lines,
)
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
)
from trading_platform.data.files import file_sha256, load_events
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import ConfigError, DataError

from .builders import T0_MS, T0_NS, columns, depth, record, snapshot, trade

USDM = "binance-usdm"


def digest(result: ConvertResult) -> str:
    return result.files[0].facts.output.sha256


def convert_lines(tmp_path: Path, *files: list[tuple[int, str]], **options: object) -> ConvertResult:
    paths = [record(tmp_path / f"day{number}.gz", lines) for number, lines in enumerate(files)]
    return convert(USDM, paths, tmp_path / "out", **options)  # type: ignore[arg-type]


def test_messages_become_rows(tmp_path: Path) -> None:
    result = convert_lines(
        tmp_path,
        [
            (1, snapshot(0, [["60000.0", "1.5"], ["59999.9", "2"]], [["60000.1", "3.000"]])),
            (2, depth(1, [["60000.0", "0"]], [["60000.2", "0.25"]])),
            (3, trade(2, "60000.1", "0.002")),
            (4, trade(3, "60000.1", "0.001", m=False)),
        ],
    )

    rows = load_events(result.files[0].path)
    both = EXCH_FLAG | LOCAL_FLAG
    assert [
        (int(ev) & ~both, px, qty) for ev, px, qty in zip(rows["ev"], rows["px"], rows["qty"], strict=True)
    ] == [
        (DEPTH_CLEAR | BUY_FLAG, 59999.9, 0.0),
        (DEPTH_SNAPSHOT | BUY_FLAG, 60000.0, 1.5),
        (DEPTH_SNAPSHOT | BUY_FLAG, 59999.9, 2.0),
        (DEPTH_CLEAR | SELL_FLAG, 60000.1, 0.0),
        (DEPTH_SNAPSHOT | SELL_FLAG, 60000.1, 3.0),
        (DEPTH | BUY_FLAG, 60000.0, 0.0),
        (DEPTH | SELL_FLAG, 60000.2, 0.25),
        (TRADE | SELL_FLAG, 60000.1, 0.002),
        (TRADE | BUY_FLAG, 60000.1, 0.001),
    ]
    assert (rows["ev"] & np.uint64(both) == both).all()
    assert rows["exch_ts"][-1] == T0_NS + 3_000_000
    assert rows["local_ts"][-1] == T0_NS + 4_000_000
    assert result.clock_shift_ns == 0
    assert (result.venue, result.instrument) == (USDM, "BTCUSDT")


def test_messages_of_a_stream_that_is_not_combined_are_read_too(tmp_path: Path) -> None:
    plain = json.dumps(json.loads(trade(0))["data"])

    assert convert_lines(tmp_path, [(1, plain)]).files[0].rows == 1


def test_receipt_clock_is_shifted_once_for_all_files(tmp_path: Path) -> None:
    """The smallest latency is in the second file; the first must be shifted by the same amount."""
    result = convert_lines(tmp_path, [(-900, trade(10))], [(-800, trade(400)), (-700, trade(450))])

    assert result.latency_min_ns == -1_200_000_000
    assert result.clock_shift_ns == 1_200_000_000 + BASE_LATENCY_NS
    latencies = [
        (rows["local_ts"] - rows["exch_ts"]).tolist()
        for rows in (load_events(file.path) for file in result.files)
    ]
    assert latencies == [[290_000_001], [1, 50_000_001]]


def test_base_latency_is_the_smallest_latency_after_the_correction(tmp_path: Path) -> None:
    result = convert_lines(tmp_path, [(5, trade(5)), (9, trade(7))], base_latency_ns=500_000)

    rows = load_events(result.files[0].path)
    assert (rows["local_ts"] - rows["exch_ts"]).tolist() == [500_000, 2_500_000]


def test_a_receipt_clock_that_is_right_is_left_alone(tmp_path: Path) -> None:
    result = convert_lines(tmp_path, [(5, trade(4)), (9, trade(7))], base_latency_ns=500_000)

    assert result.clock_shift_ns == 0


def test_late_messages_are_split_and_files_replay_as_one(tmp_path: Path) -> None:
    """The first message of the second file is older than the last one of the first file."""
    result = convert_lines(
        tmp_path, [(10, trade(1)), (11, trade(9)), (12, trade(5))], [(13, trade(6)), (14, trade(10))]
    )

    files = [load_events(file.path) for file in result.files]
    whole = np.concatenate(files)
    validate_events(files, ["a", "b"], Decimal("0.1"), Decimal("0.001"))
    assert [row[1] - T0_NS for row in columns(whole, EXCH_FLAG)] == [ms * 10**6 for ms in (1, 5, 6, 9, 10)]
    assert [row[2] - T0_NS for row in columns(whole, LOCAL_FLAG)] == [
        ms * 10**6 for ms in (10, 11, 12, 13, 14)
    ]
    assert [
        (file.rows, file.facts.output.local_rows, file.facts.output.exch_rows) for file in result.files
    ] == [(4, 3, 2), (3, 2, 3)]


def test_gaps_in_the_sequence_are_counted_and_named_with_file_and_line(tmp_path: Path) -> None:
    result = convert_lines(
        tmp_path,
        [
            (1, depth(0, ids=(10, 12, 9))),
            (2, depth(1, ids=(13, 15, 12))),
            (3, depth(2, ids=(20, 22, 19))),
        ],
        [(4, trade(3)), (5, depth(4, ids=(30, 31, 29))), (6, depth(5, ids=(32, 33, 31)))],
    )

    assert result.gap_count == 2
    assert [(gap.file, gap.line, gap.expected, gap.found) for gap in result.gaps] == [
        ("day0.gz", 3, 15, 19),
        ("day1.gz", 2, 22, 29),
    ]
    manifest = json.loads(result.files[0].manifest.read_bytes())
    assert manifest["report"]["gaps"] == [
        {"file": "day0.gz", "line": 3, "expected": 15, "found": 19, "local_ns": T0_NS + 3_000_000}
    ]


def test_only_the_first_gaps_are_listed_but_all_are_counted(tmp_path: Path) -> None:
    lines = [
        (number, depth(0, ids=(number * 10, number * 10 + 1, number * 10 - 5))) for number in range(1, 61)
    ]

    result = convert_lines(tmp_path, lines)

    assert (result.gap_count, len(result.gaps)) == (59, base.LISTED_GAPS)


def test_messages_without_rows_are_counted_by_type(tmp_path: Path) -> None:
    result = convert_lines(
        tmp_path,
        [
            (1, trade(0)),
            (2, trade(0, X="INSURANCE_FUND")),
            (3, json.dumps({"stream": "x", "data": {"e": "bookTicker", "s": "BTCUSDT"}})),
            (4, json.dumps({"e": "novelty", "s": "BTCUSDT"})),
            (5, json.dumps({"code": -1003, "msg": "Too many requests"})),
            (6, json.dumps({"result": None, "id": 1})),
        ],
    )

    ignored = {
        "trade INSURANCE_FUND": 1,
        "bookTicker": 1,
        "novelty": 1,
        "error -1003: Too many requests": 1,
        "untyped: id, result": 1,
    }
    assert result.files[0].report.ignored == ignored
    assert result.files[0].report.messages == {"trade": 1} | ignored
    assert result.files[0].report.lines == 6


def test_a_receipt_clock_that_steps_back_is_held_and_counted(tmp_path: Path) -> None:
    result = convert_lines(tmp_path, [(5, trade(0)), (3, trade(1)), (7, trade(2))])

    rows = load_events(result.files[0].path)
    assert ((rows["local_ts"] - T0_NS) // 10**6).tolist() == [5, 5, 7]
    assert result.files[0].report.clock_steps_back == 1


BROKEN = {
    "not JSON": ('{"e":"trade",', "complete message"),
    "no object": ("[1,2]", "message must be an object, was list"),
    "data is no object": ('{"data":null}', "data must be an object, was NoneType"),
    "missing field": (json.dumps({"e": "trade", "s": "BTCUSDT", "T": T0_MS, "X": "MARKET"}), "no field 'm'"),
    "maker flag is no boolean": (trade(0, m="true"), "m must be true or false"),
    "price is no number": (trade(0, price="abc"), "p must be a decimal of at most 15 digits, was 'abc'"),
    "price is null": (trade(0, price=None), "complete message"),
    "time in seconds": (trade(0, T=1_723_161_256), "T must be milliseconds"),
    "time as text": (trade(0, T=str(T0_MS)), "T must be milliseconds"),
    "half a level": (depth(0, [["60000.1"]]), "pair of price and quantity"),
    "ids reversed": (depth(0, ids=(5, 4, 3)), "U must be <= u, was 5 > 4"),
    "another symbol": (trade(0, s="ETHUSDT"), "symbol must be BTCUSDT in all lines and files, was 'ETHUSDT'"),
    "NaN": (trade(0, price="nan"), "p must be a decimal of at most 15 digits, was 'nan'"),
    "negative quantity": (trade(0, qty="-1"), "quantity >= 0"),
    "price of zero": (trade(0, price="0"), "price must be > 0"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_line_is_named_with_file_and_line_and_nothing_is_written(tmp_path: Path, fault: str) -> None:
    line, rule = BROKEN[fault]

    with pytest.raises(DataError, match=rule) as caught:
        convert_lines(tmp_path, [(1, trade(0))], [(2, trade(0)), (3, line), (4, trade(0))])

    assert "day1.gz:2:" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stamp", ["1723161256000000", "", "x" * 19, "17231612560000000000"])
def test_a_line_without_a_receipt_time_in_ns_is_refused(tmp_path: Path, stamp: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(f"{stamp} {trade(0)}\n".encode()))

    with pytest.raises(DataError, match=r"a.gz:1: line must start with the receipt time in ns"):
        convert(USDM, [path], tmp_path / "out")


def test_a_last_line_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(f"{T0_NS} {trade(0)}\n{T0_NS} {trade(0)[:50]}".encode()))

    with pytest.raises(DataError, match=r"a.gz:2:"):
        convert(USDM, [path], tmp_path / "out")


def test_truncated_and_other_files_are_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "a.gz", [(number, trade(number)) for number in range(2000)])
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2 :] = bytes(len(whole) - len(whole) // 2)
    for content in (whole[: len(whole) // 2], whole[:-4], b"no gzip at all", bytes(damaged)):
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be a complete gzip file"):
            convert(USDM, [path], tmp_path / "out")
    path.unlink()
    with pytest.raises(DataError, match="must be a readable file"):
        convert(USDM, [path], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_file_names_the_last_line_that_was_whole(tmp_path: Path) -> None:
    path = record(tmp_path / "a.gz", [(number, trade(number)) for number in range(2000)])
    cut = path.read_bytes()[:-1000]
    path.write_bytes(cut)
    whole = zlib.decompressobj(31).decompress(cut).count(b"\n")

    assert 100 < whole < 2000
    with pytest.raises(DataError, match=rf"a.gz: .* was broken after line {whole} "):
        convert(USDM, [path], tmp_path / "out")


def test_a_file_without_lines_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LINE_BYTES_MAX", 1 << 21)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1 << 24)))

    with pytest.raises(DataError, match=r"a.gz:1: line must be at most 2,097,152 bytes long"):
        convert(USDM, [tmp_path / "a.gz"], tmp_path / "out")


KILLED = """
import os, signal, sys
from trading_platform.data.convert import convert
convert("binance-usdm", [sys.argv[1]], sys.argv[2], progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_conversion_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    path, out = record(tmp_path / "a.gz", [(2, depth(1))]), tmp_path / "out"
    killed = subprocess.run([sys.executable, "-c", KILLED, path, out], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(out.glob(".convert-*/0.rows"))) == 1

    convert(USDM, [path], out)

    assert [one.name for one in out.iterdir()] == ["binance-usdm"]


def test_two_conversions_into_one_catalogue_leave_each_other_alone(tmp_path: Path) -> None:
    one = record(tmp_path / "one.gz", [(2, depth(1))])
    other = record(tmp_path / "other.gz", [(5, depth(4, ids=(2, 2, 1)))])
    out = tmp_path / "out"
    made: list[Path] = []

    def convert_the_other(*_: object) -> None:
        if not made:
            made.append(convert(USDM, [other], out).files[0].path)

    made.append(convert(USDM, [one], out, progress=convert_the_other).files[0].path)

    assert sorted(out.rglob("*.npy")) == sorted(made)
    assert len(made) == 2


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must hold depth or trades"):
        convert_lines(tmp_path, [(1, json.dumps({"e": "bookTicker", "s": "BTCUSDT"}))])


def test_files_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"day1.gz:1: files must be in order of time"):
        convert_lines(tmp_path, [(100, trade(1))], [(50, trade(2))])


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "a.gz", [(1, trade(0))])
    for arguments, rule in (
        (("unknown", [path]), "source must be one of binance-usdm, binance-coinm, .*, was 'unknown'"),
        ((USDM, []), "files must be one or more"),
        ((USDM, [path, path]), "different stems"),
    ):
        with pytest.raises(ConfigError, match=rule):
            convert(*arguments, tmp_path / "out")
    with pytest.raises(ConfigError, match="base_latency_ns must be >= 1, was 0"):
        convert(USDM, [path], tmp_path / "out", base_latency_ns=0)


def test_same_input_gives_the_same_bytes_in_any_directory(tmp_path: Path) -> None:
    lines = [(number, trade(number, qty=f"0.{number:03}")) for number in range(1, 50)]
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        result = convert_lines(tmp_path / name, lines)
        made.append([file_sha256(path) for path in (result.files[0].path, result.files[0].manifest)])

    assert made[0] == made[1]
    assert made[0][0] == digest(result)


def test_size_of_the_buffer_does_not_change_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [
        (number, depth(number, [["1.5", "2"]] * 3, ids=(number, number, number - 1)))
        for number in range(1, 91)
    ]
    whole = convert_lines(tmp_path, messages)
    monkeypatch.setattr(binance, "BUFFER_ROWS", 10)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1000)
    (tmp_path / "small").mkdir()

    assert digest(convert_lines(tmp_path / "small", messages)) == digest(whole)


def test_existing_output_is_kept_unless_overwriting_is_allowed(tmp_path: Path) -> None:
    first = convert_lines(tmp_path, [(1, trade(0))])
    convert_lines(tmp_path, [(1, trade(0))])  # the same: no error
    before = first.files[0].path.read_bytes()

    with pytest.raises(DataError, match="exists with other content and was kept"):
        convert_lines(tmp_path, [(1, trade(0)), (2, trade(1))])
    assert first.files[0].path.read_bytes() == before

    again = convert_lines(tmp_path, [(1, trade(0)), (2, trade(1))], overwrite=True)
    assert again.files[0].rows == 2
    assert sorted(path.name for path in first.files[0].path.parent.iterdir()) == [
        "day0.certificate.json",
        "day0.json",
        "day0.npy",
    ]


def test_manifest_tells_what_was_done(tmp_path: Path) -> None:
    result = convert_lines(tmp_path, [(-10, trade(0)), (-5, trade(9))])

    made = result.files[0]
    manifest = json.loads(made.manifest.read_bytes())
    assert manifest["source"] == {
        "file": "day0.gz",
        "sha256": file_sha256(tmp_path / "day0.gz"),
        "bytes": (tmp_path / "day0.gz").stat().st_size,
    }
    assert manifest["output"]["sha256"] == file_sha256(made.path)
    assert manifest["output"]["rows"] == len(load_events(made.path)) == 2
    assert manifest["output"]["first_local_ns"] == load_events(made.path)["local_ts"][0]
    assert manifest["output"]["last_local_ns"] == load_events(made.path)["local_ts"][-1]
    assert manifest["stream"] == {
        "converter": USDM,
        "converter_version": CONVERTERS[USDM].version,
        "latency_min_ns": -14_000_000,
        "base_latency_ns": 1,
        "clock_shift_ns": 14_000_001,
        "files": ["day0.gz"],
    }


def test_progress_ends_at_the_size_of_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 2000)
    calls: list[tuple[str, int, int]] = []
    convert_lines(
        tmp_path,
        [(number, trade(number)) for number in range(25)],
        [(30, trade(30))],
        progress=lambda path, done, size: calls.append((path.name, done, size)),
    )

    assert [name for name, _, _ in calls] == ["day0.gz"] * (len(calls) - 2) + ["day1.gz"] * 2
    assert all(0 < done <= size for _, done, size in calls)
    assert len(calls) > 4
    assert calls[-3][1] == calls[-3][2]
    assert calls[-1][1] == calls[-1][2]


def test_ids_that_begin_anew_are_a_hole_and_no_repetition(tmp_path: Path) -> None:
    """A recording put behind itself with later times, or a venue that counts from one again: rows are not lost."""
    once = [(1, depth(0, ids=(1, 2, 0))), (2, depth(1, ids=(3, 5, 2)))]
    anew = [(3, depth(2, ids=(1, 2, 0))), (4, depth(3, ids=(3, 5, 2)))]

    made = convert_lines(tmp_path, [*once, *anew])

    assert made.files[0].rows == 4
    assert made.gap_count == 1
    assert made.reports[0].ignored == {}


def test_differences_told_again_change_nothing_and_are_no_hole(tmp_path: Path) -> None:
    """Recordings that overlap hold messages twice; ids that were seen are old, wherever they come from."""
    once = [(1, depth(0, ids=(1, 2, 0))), (2, depth(1, ids=(3, 5, 2))), (5, depth(4, ids=(6, 7, 5)))]
    twice = [*once[:2], (3, depth(0, ids=(1, 2, 0))), (4, depth(1, ids=(3, 5, 2))), once[2]]
    overlapping = [*once[:2], (5, depth(4, ids=(4, 7, 3)))]

    for number in range(3):
        (tmp_path / str(number)).mkdir()
    made = [
        convert_lines(tmp_path / str(number), lines)
        for number, lines in enumerate((once, twice, overlapping))
    ]

    assert [one.gap_count for one in made] == [0, 0, 0]
    assert made[1].reports[0].ignored == {"depthUpdate older than the book": 2}
    rows = [load_events(one.files[0].path) for one in made]
    assert rows[0].tobytes() == rows[1].tobytes() == rows[2].tobytes()
