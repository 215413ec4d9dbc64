"""The simulated market: the same everywhere, valid, and like a market."""

import hashlib
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.data import synth
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    KIND_MASK,
    LOCAL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.files import load_events, save_events
from trading_platform.data.order import split_event_order
from trading_platform.data.synth import save_synthetic, synthesize
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import ConfigError

START_NS: Final = 1_722_470_400_000_000_000
SECOND_NS: Final = 10**9


@pytest.fixture(scope="module")
def market() -> EventArray:
    return synthesize(7, START_NS, 150 * SECOND_NS)


def seen(rows: EventArray, flag: int) -> EventArray:
    return rows[(rows["ev"] & np.uint64(flag)) != 0]


def kinds(rows: EventArray) -> np.ndarray:
    return rows["ev"] & np.uint64(KIND_MASK)


def ticks_and_lots(rows: EventArray) -> tuple[list[int], list[int]]:
    return np.rint(rows["px"] * 10).astype(int).tolist(), np.rint(rows["qty"] * 1000).astype(int).tolist()


@pytest.mark.parametrize(
    ("seed", "seconds", "digest"),
    [
        (11, 12, "8fea4b881d0a2ece3992602407dbe55d3bdebf61d42418acf58074179bdfc9cf"),
        (7, 150, "0bd7ec0106f70a96b5400f474824b46b06f726cf4f703ee325613f968626bfc7"),
    ],
)
def test_market_of_a_seed_never_changes(seed: int, seconds: int, digest: str) -> None:
    """Recorded runs name their data by seed: another byte is another market."""
    rows = synthesize(seed, START_NS, seconds * SECOND_NS)

    assert hashlib.sha256(rows.tobytes()).hexdigest() == digest


def test_market_is_valid_and_starts_with_a_snapshot(market: EventArray) -> None:
    facts = validate_events([market], ["market"], Decimal("0.1"), Decimal("0.001"))

    assert facts.first_snapshot_row == 0
    assert facts.snapshot_rows == 2 * synth.OPENING_LEVELS
    assert facts.local_rows == facts.exch_rows
    opening = market[: facts.snapshot_rows]
    assert (kinds(opening) == DEPTH_SNAPSHOT).all()
    assert len(np.unique(opening["local_ts"])) == 1


def test_time_stays_within_what_was_asked(market: EventArray) -> None:
    assert market["exch_ts"].min() == START_NS
    assert START_NS + 149 * SECOND_NS < market["exch_ts"].max() < START_NS + 150 * SECOND_NS


def test_compiled_and_plain_code_give_the_same_bytes() -> None:
    code = (
        "import hashlib; from trading_platform.data.synth import synthesize;"
        f"print(hashlib.sha256(synthesize(11, {START_NS}, {12 * SECOND_NS}).tobytes()).hexdigest())"
    )
    other = "0" if os.environ.get("NUMBA_DISABLE_JIT") == "1" else "1"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": other, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    here = hashlib.sha256(synthesize(11, START_NS, 12 * SECOND_NS).tobytes()).hexdigest()
    assert answer.stdout.strip() == here


@given(
    seed=st.integers(0, 1 << 64),
    draws=st.integers(1 + 4 * synth.OPENING_LEVELS, 4_000),
    rows=st.integers(synth.ROWS_PER_ROUND_MAX, 4_000),
)
@settings(max_examples=40, deadline=None)
def test_size_of_the_pieces_does_not_change_the_market(seed: int, draws: int, rows: int) -> None:
    """The pieces are cut anywhere: between rounds of one burst, between a message and one that overtakes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synth, "DRAWS_CHUNK", 1 << 18)
        patch.setattr(synth, "ROWS_CHUNK", 1 << 18)
        whole = synthesize(seed, START_NS, 20 * SECOND_NS)
        patch.setattr(synth, "DRAWS_CHUNK", draws)
        patch.setattr(synth, "ROWS_CHUNK", rows)
        pieces = list(synth._market(seed, START_NS, 20 * SECOND_NS, None, synth.PRICE_TICKS))

    assert len([piece for piece in pieces if len(piece)]) > 2
    assert b"".join(piece.tobytes() for piece in pieces) == whole.tobytes()


def test_pieces_are_ordered_as_the_whole_would_be(market: EventArray) -> None:
    """What the venue sends in order of receipt, ordered at once, is what the pieces are together."""
    sent = seen(market, LOCAL_FLAG).copy()
    sent["ev"] &= ~np.uint64(EXCH_FLAG | LOCAL_FLAG)
    ordered, left = split_event_order(sent)

    assert ordered.tobytes() == market.tobytes()
    assert not len(left)


# --- files ---


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_file_made_in_pieces_is_the_file_of_the_whole(
    tmp_path: Path, suffix: str, market: EventArray
) -> None:
    pieces, whole = tmp_path / f"pieces{suffix}", tmp_path / f"whole{suffix}"
    told = save_synthetic(pieces, 7, START_NS, 150 * SECOND_NS)
    save_events(whole, market)

    assert pieces.read_bytes() == whole.read_bytes()
    assert told["rows"] == len(market)
    assert told["last_exch_ns"] == market["exch_ts"].max()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("rows", [synth.ROWS_MIN, 1_001, 40_000])
def test_market_of_so_many_rows_is_the_beginning_of_a_longer_one(
    tmp_path: Path, rows: int, suffix: str, market: EventArray
) -> None:
    path = tmp_path / f"market{suffix}"
    told = save_synthetic(path, 7, START_NS, rows=rows)

    assert told["rows"] == rows < len(market)
    assert load_events(path).tobytes() == market[:rows].tobytes()
    validate_events([load_events(path)], ["market"], Decimal("0.1"), Decimal("0.001"))


@pytest.mark.parametrize(
    ("length", "whole"),
    [({"duration_ns": 150 * SECOND_NS}, 150 * SECOND_NS), ({"rows": 40_000}, 40_000)],
)
def test_progress_grows_to_the_whole(tmp_path: Path, length: dict[str, int], whole: int) -> None:
    shown: list[tuple[int, int]] = []
    save_synthetic(tmp_path / "market.npy", 7, START_NS, **length, progress=lambda *at: shown.append(at))

    done = [at for at, _ in shown]
    assert {total for _, total in shown} == {whole}
    assert len(done) > 2
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] == whole


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_interrupted_market_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"market{suffix}"
    save_synthetic(path, 1, START_NS, SECOND_NS)
    before = path.read_bytes()
    on_disk = 0

    def interrupt(done: int, _total: int) -> None:
        nonlocal on_disk
        on_disk = len(list(tmp_path.iterdir()))
        if done > 20_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_synthetic(path, 1, START_NS, rows=1_000_000, overwrite=True, progress=interrupt)

    assert on_disk == 2, "it was at work beside the old file"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_file_that_finds_no_room_is_told_and_gone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"market{suffix}"
    code = (
        "import resource, sys; from trading_platform.data.synth import save_synthetic, synthesize;"
        f"synthesize(1, {START_NS}, {SECOND_NS});"  # what is compiled is kept in larger files
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000));"
        f"save_synthetic(sys.argv[1], 1, {START_NS}, rows=60_000)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    last = answer.stderr.splitlines()[-1]
    assert f"DataError: {path}: cannot be written (File too large): free space or write elsewhere" in last
    assert list(tmp_path.iterdir()) == []


PEAK: Final = """
import resource, sys
from trading_platform.data.synth import save_synthetic
save_synthetic(sys.argv[1], 1, 1_722_470_400_000_000_000, rows=int(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_mb(path: Path, rows: int) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", PEAK, str(path), str(rows)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    path.unlink()
    return float(answer.stdout)


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="plain code takes hours for this")
@pytest.mark.parametrize(
    "rows", [pytest.param(1_500_000, id="1.5M"), pytest.param(50_000_000, id="50M", marks=pytest.mark.long)]
)
def test_memory_does_not_grow_with_the_market(tmp_path: Path, rows: int) -> None:
    """In one piece 1.5 million rows are 96 MB, and more than twice that while they are ordered."""
    path = tmp_path / "market.npy"
    peak_mb(path, synth.ROWS_MIN)  # what is compiled once is not measured

    assert peak_mb(path, rows) < peak_mb(path, 200_000) + 20


# --- what the market is like ---


def test_seed_start_and_price_change_what_they_should() -> None:
    one = synthesize(1, START_NS, 5 * SECOND_NS)
    other = synthesize(2, START_NS, 5 * SECOND_NS)
    moved = synthesize(1, START_NS + 1000, 5 * SECOND_NS, price_ticks=synth.PRICE_TICKS + 25)

    assert one.tobytes() != other.tobytes()
    assert (moved["local_ts"] - one["local_ts"] == 1000).all()
    assert (np.rint(moved["px"] * 10) - np.rint(one["px"] * 10) == 25).all()


def test_prices_are_the_float64_nearest_to_the_decimal(market: EventArray) -> None:
    ticks = np.rint(market["px"][:2000] * 10).astype(int).tolist()

    assert market["px"][:2000].tolist() == [float(f"{tick // 10}.{tick % 10}") for tick in ticks]


def test_every_trade_hits_the_published_touch_and_leaves_what_is_published(market: EventArray) -> None:
    """Venue's side, block by block: trades walk the book in order; their levels then show what is left."""
    rows = seen(market, EXCH_FLAG)
    ticks, lots = ticks_and_lots(rows)
    book: dict[bool, dict[int, int]] = {True: {}, False: {}}
    left: dict[tuple[bool, int], int] = {}
    block = trade_count = checked = 0
    for kind, ev, exch_ns, tick, lot in zip(
        kinds(rows).tolist(), rows["ev"].tolist(), rows["exch_ts"].tolist(), ticks, lots, strict=True
    ):
        if exch_ns != block:
            assert not left, "a traded level was not published"
            block, depth_seen = exch_ns, False
        bid = bool(ev & BUY_FLAG)
        if kind == TRADE:
            assert not depth_seen, "trades come before depth of the same time"
            hit = not bid  # a buyer hits the asks
            touch = (max if hit else min)(book[hit])
            assert tick == touch
            assert 0 < lot <= book[hit][tick]
            book[hit][tick] -= lot
            left[hit, tick] = book[hit][tick]
            if not book[hit][tick]:
                del book[hit][tick]
            trade_count += 1
            continue
        depth_seen = True
        if (bid, tick) in left:
            assert lot == left.pop((bid, tick))
            checked += 1
        if lot:
            book[bid][tick] = lot
        else:
            book[bid].pop(tick, None)
    assert trade_count > 500
    assert checked > 500


def local_touches(market: EventArray) -> np.ndarray:
    """Return bid and ask [ticks] after each block of the local side."""
    rows = seen(market, LOCAL_FLAG)
    ticks, lots = ticks_and_lots(rows)
    book: dict[bool, dict[int, int]] = {True: {}, False: {}}
    touches = []
    stamps = rows["local_ts"].tolist()
    for at, (kind, ev) in enumerate(zip(kinds(rows).tolist(), rows["ev"].tolist(), strict=True)):
        if kind != TRADE:
            side = book[bool(ev & BUY_FLAG)]
            if lots[at]:
                side[ticks[at]] = lots[at]
            else:
                side.pop(ticks[at], None)
        if at + 1 == len(stamps) or stamps[at + 1] != stamps[at]:
            touches.append((max(book[True]), min(book[False])))
    return np.array(touches)


def test_spread_is_mostly_one_tick_and_never_crossed(market: EventArray) -> None:
    touches = local_touches(market)
    spread = touches[:, 1] - touches[:, 0]

    assert spread.min() >= 1
    assert 0.8 < (spread == 1).mean() < 0.99
    assert (spread <= 3).mean() > 0.9
    assert spread.max() > 5


def test_price_moves_and_stays_far_from_the_limits(market: EventArray) -> None:
    mid = local_touches(market).sum(axis=1) / 2

    assert mid.max() - mid.min() > 100
    assert 400_000 < mid.min() < mid.max() < 800_000


def test_activity_comes_in_bursts() -> None:
    """Rows per second of a Poisson process of this rate would have a ratio of about 1.1."""
    rows = seen(synthesize(3, START_NS, 300 * SECOND_NS), LOCAL_FLAG)
    counts = np.bincount((rows["local_ts"] - START_NS) // SECOND_NS)

    assert np.percentile(counts, 95) > 1.8 * np.median(counts)


def test_feed_latency_is_positive_and_varies(market: EventArray) -> None:
    latency_ns = seen(market, LOCAL_FLAG)["local_ts"] - seen(market, LOCAL_FLAG)["exch_ts"]

    assert latency_ns.min() >= synth.LATENCY_LEAST_NS
    assert np.percentile(latency_ns, 99) > 4 * np.median(latency_ns)
    assert latency_ns.max() < SECOND_NS


def test_some_messages_overtake_others(market: EventArray) -> None:
    flags = market["ev"] & np.uint64(EXCH_FLAG | LOCAL_FLAG)
    apart = (flags != EXCH_FLAG | LOCAL_FLAG).mean()

    assert 0.01 < apart < 0.4


def test_depth_is_many_levels_deep(market: EventArray) -> None:
    rows = seen(market, LOCAL_FLAG)
    depth = rows[kinds(rows) == DEPTH]

    assert 0.05 < (depth["qty"] == 0).mean() < 0.5
    touch = np.median(local_touches(market))
    levels = np.unique(np.rint(depth["px"] * 10))
    assert ((levels > touch - 300) & (levels < touch)).sum() > 50


def test_tables_are_rounded_logarithms_and_powers() -> None:
    assert synth.LOG2_TABLE.tolist() == [round(65536 * math.log2(1 + i / 16)) for i in range(17)]
    assert synth.EXP2_TABLE.tolist() == [round(65536 * 2 ** (i / 16)) for i in range(17)]
    assert round(65536 * math.log(2)) == synth.LN2
    deviation = math.sqrt(4 * (32768**2 - 1) / 12)
    assert round(65536 / deviation * 65536) == synth.NORMAL_SCALE


def test_variates_have_the_moments_of_their_names() -> None:
    words = [int(word) for word in synth._words(np.random.PCG64(1), 20_000)]
    exponential = np.array([synth._exponential(word) for word in words]) / 65536
    normal = np.array([synth._normal(word) for word in words]) / 65536
    bits = np.log2([synth._lognormal(10**9, 65536, word) for word in words]) - math.log2(10**9)
    below = np.bincount([synth._below(5, word) for word in words], minlength=5)

    assert exponential.min() >= 0
    assert abs(exponential.mean() - 1) < 0.03
    assert abs(exponential.std() - 1) < 0.03
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.02
    assert abs(bits.mean()) < 0.03
    assert abs(bits.std() - 1) < 0.02
    assert len(below) == 5
    assert below.min() > 3700


@pytest.mark.parametrize("word", [0, 1, (1 << 63) - 1, 1 << 62])
def test_variates_hold_at_the_ends_of_the_range(word: int) -> None:
    assert 0 <= synth._exponential(word) < 44 * 65536
    assert abs(synth._normal(word)) < 3.47 * 65536
    assert 1 <= synth._lognormal(16, 3 * 65536, word) < 16 << 11
    assert 0 <= synth._below(7, word) < 7


def test_one_round_fits_its_bounds() -> None:
    """Everything at once: the most trades, levels pulled and arrivals; compiled code does not look."""
    least_draws = 1 + 4 * synth.OPENING_LEVELS
    per_round = 2 + 1 + 2 * synth.TRADES_MAX + 2 * synth.PULL_MAX + 3 + 1 + 4 * synth.FLOW_MAX + 2

    assert per_round <= synth.DRAWS_PER_ROUND_MAX
    assert least_draws <= synth.DRAWS_CHUNK
    changed = synth.TRADES_MAX * synth.LEVELS_PER_TRADE + synth.PULL_MAX + synth.FLOW_MAX + 1
    assert changed <= synth.DIRTY_MAX
    assert 2 * synth.OPENING_LEVELS + synth.ROWS_PER_ROUND_MAX <= synth.ROWS_CHUNK


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((-1, START_NS, SECOND_NS), "seed must be >= 0, was -1"),
        ((1, 0, SECOND_NS), "start_ns must be >= 1"),
        ((1, START_NS, 999_999), "duration_ns >= 1000000"),
        ((1, START_NS, 1 << 61), r"sum at most 2\^61"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: tuple[int, int, int], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        synthesize(*arguments)
    with pytest.raises(ConfigError, match="price_ticks must be 100000 to"):
        synthesize(1, START_NS, SECOND_NS, price_ticks=99_999)


@pytest.mark.parametrize(
    ("length", "rule"),
    [
        ({}, "one of duration_ns and rows must be given, were None and None"),
        ({"duration_ns": SECOND_NS, "rows": 1_000}, "must be given, were 1000000000 and 1000"),
        ({"rows": synth.ROWS_MIN - 1}, r"rows must be >= 240 \(the snapshot\), was 239"),
    ],
)
def test_length_is_a_time_or_a_number_of_rows(tmp_path: Path, length: dict[str, int], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        save_synthetic(tmp_path / "market.npy", 1, START_NS, **length)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_time_cannot_hold_are_refused(tmp_path: Path) -> None:
    start_ns = synth.END_NS_MAX - SECOND_NS
    rows = len(synthesize(1, start_ns, SECOND_NS))

    with pytest.raises(ConfigError, match=rf"rows must be <= {rows} \(time ends at 2\^61 ns\), was 10000"):
        save_synthetic(tmp_path / "market.npy", 1, start_ns, rows=10_000)
    assert list(tmp_path.iterdir()) == []
