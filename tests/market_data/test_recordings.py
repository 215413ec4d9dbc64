"""Real recordings: our converter against hftbacktest's, row for row."""

import gzip
import heapq
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson
import pytest
from hftbacktest.data.utils import binancefutures, hyperliquid

from trading_platform._jit import COMPILED
from trading_platform.data.convert import Options, convert
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.files import load_events
from trading_platform.data.validate import validate_events

from .builders import COINM_FILES, HYPERLIQUID_FILE, SPOT_FILES, USDM_FILE, recordings

pytestmark = pytest.mark.skipif(
    not COMPILED, reason="hftbacktest's converter reads past its arrays, which only compiled code survives"
)
TICK = Decimal("0.1")


def oracle(path: Path, base_latency_ns: int) -> EventArray:
    rows: EventArray = binancefutures.convert(str(path), base_latency=base_latency_ns, buffer_size=1_500_000)
    return rows


@pytest.mark.parametrize(
    ("source", "name", "base_latency_ns", "lot"),
    [
        ("binance-usdm", USDM_FILE, 1, "0.001"),
        ("binance-coinm", COINM_FILES[0], 1, "1"),
        ("binance-coinm", COINM_FILES[1], 250_000, "1"),
    ],
)
def test_one_file_equals_the_oracle_row_for_row(
    tmp_path: Path, source: str, name: str, base_latency_ns: int, lot: str
) -> None:
    (path,) = recordings(name)

    result = convert(source, [path], tmp_path, base_latency_ns=base_latency_ns)

    made = np.concatenate([load_events(file.path) for file in result.files])
    assert made.tobytes() == oracle(path, base_latency_ns).tobytes()
    assert (result.gap_count, result.files[0].report.clock_steps_back) == (0, 0)
    facts = validate_events([made], [name], TICK, Decimal(lot))
    assert facts.rows == sum(file.rows for file in result.files)
    grid = (result.files[0].facts.tick_size, result.files[0].facts.lot_size)
    assert grid == (TICK, Decimal(lot)), "derived from the decimals"
    assert facts.has_snapshot == (name != COINM_FILES[1])


def test_facts_of_the_usdm_recording(tmp_path: Path) -> None:
    (path,) = recordings(USDM_FILE)

    result = convert("binance-usdm", [path], tmp_path)

    assert [file.path.parent.name for file in result.files] == ["2024-08-08", "2024-08-09"], "received in UTC"
    files = [load_events(file.path) for file in result.files]
    facts = validate_events(files, ["08", "09"], TICK, Decimal("0.001"))
    assert (facts.rows, facts.local_rows) == (491_973, 466_836)
    assert (facts.traded_min_ticks, facts.traded_max_ticks) == (615_903, 618_399)
    assert facts.trade_count == result.files[0].report.messages["trade"] == 21_313
    assert result.latency_min_ns == -1_272_156_851


def test_two_files_of_a_stream_equal_the_oracle_of_their_concatenation(tmp_path: Path) -> None:
    paths = recordings(*COINM_FILES)
    joined = tmp_path / "joined.gz"
    with gzip.open(joined, "wb", compresslevel=1) as out:
        for path in paths:
            with gzip.open(path) as lines:
                shutil.copyfileobj(lines, out)

    result = convert("binance-coinm", paths, tmp_path / "out")

    files = [load_events(file.path) for file in result.files]
    assert result.gap_count == 0
    validate_events(files, [str(file.path) for file in result.files], TICK, Decimal(1))
    ours, theirs = np.concatenate(files), oracle(joined, 1)
    for flag in (EXCH_FLAG, LOCAL_FLAG):
        assert _seen(ours, flag) == _seen(theirs, flag)


def test_spot_depth_and_trades_are_those_of_the_messages(tmp_path: Path) -> None:
    """hftbacktest's converter stops at the first message: it has no T."""
    paths = recordings(*SPOT_FILES)
    with pytest.raises(KeyError, match="T"):
        binancefutures.convert(str(paths[0]), buffer_size=10_000)

    result = convert("binance-spot", paths, tmp_path, Options(book_ticker=False))

    assert result.gap_count == 0
    rows = np.concatenate([load_events(file.path) for file in result.files])
    kind = rows["ev"] & np.uint64(0xFF | LOCAL_FLAG)
    shift = result.clock_shift_ns
    for wanted, told in ((DEPTH, "depthUpdate"), (TRADE, "trade")):
        seen = rows[kind == np.uint64(wanted | LOCAL_FLAG)]
        made = [(int(row["ev"]) & (BUY_FLAG | SELL_FLAG), *row.tolist()[1:5]) for row in seen]
        expected = [row for path in paths for row in _spot_rows(path, told, shift)]
        if wanted == DEPTH:
            at = next(at for at, (one, other) in enumerate(zip(made, expected, strict=False)) if one != other)
            again = len(made) - len(expected)  # the difference that came before the older snapshot, set again
            assert again == 16
            assert [row[3:] for row in made[at : at + again]] == [row[3:] for row in made[at - again : at]]
            del made[at : at + again]
        assert made == expected


def _spot_rows(path: Path, kind: str, shift_ns: int) -> Iterator[tuple[int, int, int, float, float]]:
    for line in gzip.decompress(path.read_bytes()).splitlines():
        data = orjson.loads(line[20:]).get("data", {})
        if data.get("e") != kind:
            continue
        local_ns = int(line[:19]) + shift_ns
        if kind == "trade":
            side = SELL_FLAG if data["m"] else BUY_FLAG
            yield side, data["T"] * 10**6, local_ns, float(data["p"]), float(data["q"])
            continue
        for side, levels in ((BUY_FLAG, data["b"]), (SELL_FLAG, data["a"])):
            for price, qty in levels:
                yield side, data["E"] * 10**6, local_ns, float(price), float(qty)


@pytest.mark.long
@pytest.mark.parametrize(
    ("source", "names", "at_touch", "better"),
    [
        ("binance-usdm", (USDM_FILE,), (0.464, 0.556), (0.0460, 0.0042)),
        ("binance-coinm", COINM_FILES, (0.671, 0.717), (0.0071, 0.0010)),
        ("binance-spot", SPOT_FILES, (0.445, 0.574), (0.0305, 0.0120)),
    ],
)
def test_best_levels_of_the_ticker_make_the_book_more_right(
    tmp_path: Path,
    source: str,
    names: tuple[str, ...],
    at_touch: tuple[float, float],
    better: tuple[float, float],
) -> None:
    """More trades are at the venue's touch of that moment; fewer are at prices better than it, which cannot be."""
    shares = []
    for use_ticker in (False, True):
        result = convert(
            source, recordings(*names), tmp_path / str(use_ticker), Options(book_ticker=use_ticker)
        )
        rows = np.concatenate([load_events(file.path) for file in result.files])
        shares.append(_shares_at_touch(rows[(rows["ev"] & np.uint64(EXCH_FLAG)) != 0]))
    (before_at, before_better, before_crossed), (after_at, after_better, after_crossed) = shares

    assert (before_at, after_at) == pytest.approx(at_touch, abs=0.001)
    assert (before_better, after_better) == pytest.approx(better, abs=0.0001)
    assert (before_crossed, after_crossed) == (0, 0)


def _shares_at_touch(rows: EventArray) -> tuple[float, float, int]:
    """Return the shares of trades at the touch and better than it, and how many met a crossed book."""
    books: dict[int, dict[float, float]] = {BUY_FLAG: {}, SELL_FLAG: {}}
    heaps: dict[int, list[float]] = {BUY_FLAG: [], SELL_FLAG: []}
    sign = {BUY_FLAG: -1.0, SELL_FLAG: 1.0}
    trades = touched = better = crossed = 0
    has_snapshot = False

    def best(side: int) -> float:
        while sign[side] * heaps[side][0] not in books[side]:
            heapq.heappop(heaps[side])
        return sign[side] * heaps[side][0]

    for ev, _, _, price, qty, *_ in rows.tolist():
        kind, side = ev & 0xFF, ev & (BUY_FLAG | SELL_FLAG)
        has_snapshot |= kind == DEPTH_SNAPSHOT
        if kind == DEPTH_CLEAR:
            for level in [level for level in books[side] if sign[side] * (level - price) <= 0]:
                del books[side][level]
        elif kind != TRADE and qty == 0:
            books[side].pop(price, None)
        elif kind != TRADE:
            books[side][price] = qty
            heapq.heappush(heaps[side], sign[side] * price)
        elif has_snapshot:
            touch = best(SELL_FLAG if side == BUY_FLAG else BUY_FLAG)
            trades += 1
            touched += price == touch
            better += sign[side] * (price - touch) > 0  # a buyer paid less than the best offer
            crossed += best(BUY_FLAG) >= best(SELL_FLAG)
    return touched / trades, better / trades, crossed


@pytest.mark.parametrize("lines", [9_000, pytest.param(10**9, marks=pytest.mark.long)], ids=["first", "all"])
def test_a_recording_written_in_the_format_of_tardis_comes_back_as_equal_books_and_trades(
    tmp_path: Path, lines: int
) -> None:
    (whole,) = recordings(USDM_FILE)
    path = tmp_path / "some.gz"
    some = gzip.decompress(whole.read_bytes()).splitlines(keepends=True)[:lines]
    path.write_bytes(gzip.compress(b"".join(some), 1))
    depth, trades = _as_tardis(path, tmp_path)

    ours = convert("binance-usdm", [path], tmp_path / "ours")
    theirs = convert("tardis", [depth, trades], tmp_path / "theirs", base_latency_ns=1000)

    assert (theirs.venue, theirs.instrument) == ("binance-futures", "BTCUSDT")
    sides = [np.concatenate([load_events(file.path) for file in result.files]) for result in (ours, theirs)]
    for flag in (LOCAL_FLAG, EXCH_FLAG):
        seen = [rows[(rows["ev"] & np.uint64(flag)) != 0] for rows in sides]
        deals = [rows[(rows["ev"] & np.uint64(0xFF)) == np.uint64(TRADE)] for rows in seen]
        for field in ("exch_ts", "px", "qty"):
            assert (deals[0][field] == deals[1][field]).all()
        assert [int(one["ev"]) for one in deals[0]] == [int(other["ev"]) for other in deals[1]]
        tops = [_tops(rows, "local_ts" if flag == LOCAL_FLAG else "exch_ts") for rows in seen]
        assert len(tops[0]) > 20
        assert tops[0] == tops[1]


def _as_tardis(path: Path, folder: Path) -> tuple[Path, Path]:
    """Write a recording as Tardis does: microseconds, a boolean that marks the levels of a snapshot."""
    depth, trades = folder / "incremental_book_L2.csv.gz", folder / "trades.csv.gz"
    with gzip.open(depth, "wt", 1) as book, gzip.open(trades, "wt", 1) as deals:
        book.write("exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n")
        deals.write("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n")
        for line in gzip.decompress(path.read_bytes()).splitlines():
            message = orjson.loads(line[20:])
            data = message.get("data", message)
            kind = data.get("e", "snapshot")
            head = f"binance-futures,BTCUSDT,{data['T'] * 1000},{int(line[:19]) // 1000}"
            if kind == "trade" and data["X"] == "MARKET":
                side = "sell" if data["m"] else "buy"
                deals.write(f"{head},{data['t']},{side},{data['p']},{data['q']}\n")
            elif kind in ("depthUpdate", "snapshot"):
                names = ("b", "a") if kind == "depthUpdate" else ("bids", "asks")
                for side, name in zip(("bid", "ask"), names, strict=True):
                    for price, qty in data[name]:
                        book.write(f"{head},{str(kind == 'snapshot').lower()},{side},{price},{qty}\n")
    return depth, trades


def _tops(rows: EventArray, clock: str) -> list[tuple[object, ...]]:
    """Return the ten best levels of each side at every second after the snapshot."""
    books: dict[int, dict[float, float]] = {BUY_FLAG: {}, SELL_FLAG: {}}
    start_ns = int(rows["exch_ts"][rows["ev"] & np.uint64(0xFF) == np.uint64(DEPTH_SNAPSHOT)][0])
    next_ns, tops = start_ns + 2 * 10**9, []
    for ev, exch_ns, local_ns, price, qty, *_ in rows.tolist():
        now_ns = local_ns if clock == "local_ts" else exch_ns
        while now_ns >= next_ns + 10**6:  # a microsecond is lost in the format
            tops.append(
                tuple(
                    tuple(sorted(book.items(), reverse=side == BUY_FLAG)[:10]) for side, book in books.items()
                )
            )
            next_ns += 10**9
        kind, side = ev & 0xFF, ev & (BUY_FLAG | SELL_FLAG)
        if kind == DEPTH_CLEAR:
            for each in (side,) if side else tuple(books):
                books[each] = {
                    level: held
                    for level, held in books[each].items()
                    if side and (level < price if each == BUY_FLAG else level > price)
                }
        elif kind != TRADE:
            books[side].pop(price, None)
            if qty:
                books[side][price] = qty
    return tops


@pytest.mark.long  # the oracle is compiled
def test_hyperliquid_equals_the_oracle_but_for_the_first_book_and_trades_told_again(tmp_path: Path) -> None:
    (path,) = recordings(HYPERLIQUID_FILE)
    theirs: EventArray = hyperliquid.convert(
        str(path), 1.0, 0.00001, base_latency=1, buffer_size=100_000, delete_out_of_book=True
    )

    result = convert("hyperliquid", [path], tmp_path)

    ours = load_events(result.files[0].path)
    known = result.files[0].report.ignored
    assert known == {"trade told again": 0} or set(known) <= {"trade told again", "subscriptionResponse"}
    for flag in (LOCAL_FLAG, EXCH_FLAG):
        made, expected = (_as_differences(rows, flag) for rows in (ours, theirs))
        assert made == expected


def _as_differences(rows: EventArray, flag: int) -> dict[tuple[int, int], set[tuple[int, float, float]]]:
    """Return per pair of times what was told, the first book as its differences from an empty one."""
    told: dict[tuple[int, int], set[tuple[int, float, float]]] = {}
    for ev, exch_ns, local_ns, price, qty, *_ in rows[(rows["ev"] & np.uint64(flag)) != 0].tolist():
        kind = ev & 0xFF
        if kind != DEPTH_CLEAR:
            as_depth = DEPTH if kind == DEPTH_SNAPSHOT else kind
            side = ev & (BUY_FLAG | SELL_FLAG)
            told.setdefault((exch_ns, local_ns), set()).add((as_depth | side, price, qty))
    return told


def _seen(rows: EventArray, flag: int) -> bytes:
    seen = rows[(rows["ev"] & np.uint64(flag)) != 0].copy()
    seen["ev"] &= np.uint64(~(EXCH_FLAG | LOCAL_FLAG) & 0xFFFFFFFF)
    return seen.tobytes()
