"""Synthetic order flow of one liquid perpetual: limit, market and cancel arrivals around a moving fair price.

A zero-intelligence book with three additions that a maker notices: a fair price that jumps and that informed
orders follow, activity that excites itself (bursts), and two feed channels with their own delays.
The venue works in rounds. In each, market orders trade against the book as last published, then makers pull
stale quotes, close the spread, place and cancel orders; the round publishes its trades, then every level it
changed. So a trade always hits the published touch, and a traded level shows what the trades left of it.
Only integers are used, drawn from raw PCG64 words and shaped by integer tables: the same seed gives the same
bytes on every machine.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ..model.errors import ConfigError
from ..model.records import TICKS_MAX, field_word, int64_record
from .events import BUY_FLAG, DEPTH, DEPTH_SNAPSHOT, EVENT, SELL_FLAG, TRADE, EventArray, IntArray
from .files import npz_member, require_event_suffix, write_atomically
from .order import StreamOrder
from .write import EventWriter

Progress: TypeAlias = Callable[[int, int], None]
"""Called with what is done and the whole of it."""

TICKS_PER_UNIT: Final = 10  # tick size 0.1
LOTS_PER_UNIT: Final = 1000  # lot size 0.001
PRICE_TICKS: Final = 600_000
HALF_WINDOW_TICKS: Final = 50_000  # of the book around the first price; the fair price stays within half
NS_PER_MS: Final = 1_000_000
END_NS_MAX: Final = 1 << 61  # times are int64 with room to add

ONE: Final = 1 << 16  # fixed point: fractions in 1/65536
# fmt: off
LOG2_TABLE: Final = np.array([  # 65536 * log2(1 + i / 16)
    0, 5732, 11136, 16248, 21098, 25711, 30109, 34312, 38336,
    42196, 45904, 49472, 52911, 56229, 59434, 62534, 65536,
], np.int64)
EXP2_TABLE: Final = np.array([  # 65536 * 2 ** (i / 16)
    65536, 68438, 71468, 74632, 77936, 81386, 84990, 88752, 92682,
    96785, 101070, 105545, 110218, 115098, 120194, 125515, 131072,
], np.int64)
# fmt: on
LN2: Final = 45426  # 65536 * log(2)
NORMAL_SCALE: Final = 227_023  # 65536 / deviation of the sum of four 15-bit numbers, times 65536

BID: Final = 0
ASK: Final = 1
ROUND_MS: Final = 120  # mean time between rounds when nothing excites the market
HEAT_MS: Final = 2000  # excitement fades with this time constant
HEAT_PER_TRADE: Final = ONE // 12  # a trade speeds the market up by a twelfth of its calm pace
HEAT_MAX: Final = 60 * ONE
TRADES_PER_ROUND: Final = 40_000  # mean number of market orders [1/65536]
SIGN_PERSISTENCE: Final = 50_000  # chance that a market order repeats the side of the last one [1/65536]
JUMP_CHANCE: Final = 3_000  # of the fair price, per round [1/65536]
JUMP_TICKS: Final = 22  # deviation of one jump
NEWS_CHANCE: Final = 40  # of a jump that is news, larger and exciting, per round [1/65536]
NEWS_SCALE: Final = 6
NEWS_HEAT: Final = 16 * ONE
TRADE_LOTS: Final = 16  # median market order
TRADE_BITS: Final = 3 * ONE  # deviation of its base-2 logarithm
INFORMED_SCALE: Final = 8  # an order that knows the fair price is larger
LEVELS_PER_TRADE: Final = 12  # the most a market order sweeps
TRADES_MAX: Final = 8  # market orders per round
FLOW_PER_ROUND: Final = 7  # mean number of limit orders and cancels
FLOW_MAX: Final = 48
PLACE_CHANCE: Final = 28_000  # an arrival places an order, else it cancels one [1/65536]
PULL_CHANCE: Final = 49_000  # a stale level is pulled [1/65536]
PULL_MAX: Final = 64  # levels per round
CLOSE_CHANCE: Final = 64_000  # makers close an open spread in this round [1/65536]
ORDER_LOTS: Final = 130  # median limit order
ORDER_BITS: Final = 5 * ONE // 2
CLOSE_SCALE: Final = 6  # the order that makes a new touch is larger
DISTANCE_BITS: Final = 9  # limit orders stand up to 2**9 ticks behind the touch, as many per octave
SEARCH_TICKS: Final = 64  # how far a cancel looks for an order
LEVELS_MIN: Final = 20  # per side: nothing is taken or pulled below
OPENING_LEVELS: Final = 120
OPENING_GAP_TICKS: Final = 5
LATENCY_LEAST_NS: Final = 1_000_000
LATENCY_NS: Final = 2_500_000  # median of what comes on top
LATENCY_BITS: Final = 13 * ONE // 10
CHANNEL_GAP_NS: Final = 1_000  # least distance of two messages of one channel

ROWS_MIN: Final = 2 * OPENING_LEVELS
DIRTY_MAX: Final = 2 * TRADES_MAX * LEVELS_PER_TRADE + PULL_MAX + FLOW_MAX + 8  # levels one round can change
ROWS_PER_ROUND_MAX: Final = 2 * DIRTY_MAX + TRADES_MAX * LEVELS_PER_TRADE
DRAWS_PER_ROUND_MAX: Final = 16 + 4 * TRADES_MAX + PULL_MAX + 6 * FLOW_MAX
DRAWS_CHUNK: Final = 1 << 16
ROWS_CHUNK: Final = 1 << 16

# what a row is: row kinds of this module, in the order of _EV
_DEPTH_BID, _DEPTH_ASK, _TRADE_BUY, _TRADE_SELL, _SNAPSHOT_BID, _SNAPSHOT_ASK = range(6)
_EV: Final = np.array(
    [
        DEPTH | BUY_FLAG,
        DEPTH | SELL_FLAG,
        TRADE | BUY_FLAG,
        TRADE | SELL_FLAG,
        DEPTH_SNAPSHOT | BUY_FLAG,
        DEPTH_SNAPSHOT | SELL_FLAG,
    ],
    np.uint64,
)
ROW: Final = int64_record("kind", "elapsed_ms", "local_ns", "at", "lots")
MARKET: Final = int64_record(
    "elapsed_ms",
    "round",
    "fair",  # [window index, 1/256]
    "heat",  # [1/65536] of the calm pace
    "sign",  # of the last market order
    "depth_local_ns",  # last arrival of each channel, since the start
    "trade_local_ns",
    "draw",  # next random word
    "rows",
)
SIDE: Final = int64_record(
    "best",  # window index
    "levels",
    "dirty",  # levels changed in this round
    "traded",  # the worst level traded in this round: it and better ones are left alone until published
)


class Book(NamedTuple):
    """The venue's book over a window of prices. First index of each array: BID or ASK."""

    lots: IntArray  # (2, window)
    stamps: IntArray  # (2, window): round in which a level changed last
    dirty: IntArray  # (2, DIRTY_MAX): levels changed in this round
    sides: npt.NDArray[np.void]  # (2,) SIDE records


def synthesize(seed: int, start_ns: int, duration_ns: int, *, price_ticks: int = PRICE_TICKS) -> EventArray:
    """Return a market from a snapshot on: valid event rows, ready to replay (tick 0.1, lot 0.001).

    Parameters
    ----------
    seed : int
        >= 0; the same seed and arguments give the same bytes everywhere
    start_ns : int
        [ns] > 0, venue's time of the snapshot
    duration_ns : int
        [ns] > 0, venue's time covered; about 500 rows a second, in bursts
    price_ticks : int
        [ticks] the first price

    Raises
    ------
    ConfigError : an argument out of its range
    """
    return np.concatenate(list(_market(seed, start_ns, duration_ns, None, price_ticks)))


def save_synthetic(
    path: str | os.PathLike[str],
    seed: int,
    start_ns: int,
    duration_ns: int | None = None,
    *,
    rows: int | None = None,
    price_ticks: int = PRICE_TICKS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the market of `synthesize` to ``.npy`` or ``.npz`` in pieces, whole or not at all.

    The memory does not depend on the length. An ``.npz`` of a given duration is made twice: its rows are counted first.

    Parameters
    ----------
    path : path
        the file
    seed, start_ns, duration_ns, price_ticks
        see `synthesize`
    rows : int or None
        instead of ``duration_ns``: the market ends after so many rows, like a recording that was cut off
    overwrite : bool
        replace a file with other content
    progress : callable or None
        called with what is done and the whole of it: time [ns] if ``duration_ns`` is given, else rows

    Returns
    -------
    what `EventWriter.counts` tells: rows, rows of each side, first and last time of each side

    Raises
    ------
    ConfigError : an argument out of its range, or not exactly one of ``duration_ns`` and ``rows``
    DataError : another suffix, the file cannot be written, or one with other content exists and ``overwrite`` is false
    """
    path = Path(path)
    require_event_suffix(path)
    market = _market(seed, start_ns, duration_ns, rows, price_ticks)
    told: dict[str, int] = {}

    def append_all(writer: EventWriter) -> None:
        with writer:
            for piece in market:
                writer.append(piece)
                told.update(writer.counts())
                if progress is not None:
                    progress(market.done(told), market.whole)
        if progress is not None:
            progress(market.whole, market.whole)

    def write(file: IO[bytes]) -> None:
        if path.suffix == ".npy":
            append_all(EventWriter(file))
            return
        count = sum(len(piece) for piece in market) if rows is None else rows
        with npz_member(file) as stream:
            append_all(EventWriter(stream, count))

    write_atomically(path, write, overwrite=overwrite)
    return told


@dataclass(frozen=True)
class _Market:
    """A market that can be made again and again, piece by piece."""

    seed: int
    start_ns: int
    duration_ns: int
    rows: int | None  # where it is cut off
    price_ticks: int

    def __iter__(self) -> Iterator[EventArray]:
        ordered = _ordered(self.seed, self.start_ns, self.duration_ns // NS_PER_MS, self.price_ticks)
        return ordered if self.rows is None else _first(ordered, self.rows)

    @property
    def whole(self) -> int:
        """What there is to do: rows if they are given, else time [ns]."""
        return self.duration_ns if self.rows is None else self.rows

    def done(self, counts: Mapping[str, int]) -> int:
        """Return how much of ``whole`` a writer has."""
        if self.rows is not None:
            return counts["rows"]
        return min(max(0, counts["last_local_ns"] - self.start_ns), self.duration_ns)  # 0: no row yet


def _market(seed: int, start_ns: int, duration_ns: int | None, rows: int | None, price_ticks: int) -> _Market:
    """Return the market of checked arguments."""
    if seed < 0:
        raise ConfigError(f"seed must be >= 0, was {seed}")
    if (duration_ns is None) == (rows is None):
        raise ConfigError(f"one of duration_ns and rows must be given, were {duration_ns} and {rows}")
    if rows is not None and rows < ROWS_MIN:
        raise ConfigError(f"rows must be >= {ROWS_MIN} (the snapshot), was {rows}")
    longest_ns = END_NS_MAX - start_ns if duration_ns is None else duration_ns
    if start_ns < 1 or longest_ns < NS_PER_MS or start_ns + longest_ns > END_NS_MAX:
        raise ConfigError(
            f"start_ns must be >= 1, duration_ns >= {NS_PER_MS} and their sum at most 2^61, "
            f"were {start_ns} and {longest_ns}"
        )
    if not 2 * HALF_WINDOW_TICKS <= price_ticks <= TICKS_MAX:
        raise ConfigError(f"price_ticks must be {2 * HALF_WINDOW_TICKS} to {TICKS_MAX}, was {price_ticks}")
    return _Market(seed, start_ns, longest_ns, rows, price_ticks)


def _first(pieces: Iterator[EventArray], rows: int) -> Iterator[EventArray]:
    """Yield the first ``rows`` rows."""
    left = rows
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return
    raise ConfigError(f"rows must be <= {rows - left} (time ends at 2^61 ns), was {rows}: start earlier")


def _ordered(seed: int, start_ns: int, duration_ms: int, price_ticks: int) -> Iterator[EventArray]:
    """Yield event rows in the order of both clocks, as soon as no later round can change it."""
    order = StreamOrder()
    waiting: npt.NDArray[np.void] = np.zeros(0, ROW)
    for made, next_round_ns in _simulate(seed, duration_ms):
        rows = _by_receipt(waiting, made)
        cut = int(np.searchsorted(rows["local_ns"], next_round_ns + LATENCY_LEAST_NS))
        waiting = rows[cut:].copy()
        oldest_ns = int(waiting["elapsed_ms"].min()) * NS_PER_MS if len(waiting) else next_round_ns
        next_ns = min(next_round_ns, oldest_ns)
        yield order.push(_events(rows[:cut], start_ns, price_ticks), start_ns + next_ns)
    yield order.end(_events(waiting, start_ns, price_ticks), END_NS_MAX)


def _by_receipt(waiting: npt.NDArray[np.void], made: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Return the rows in order of receipt; those of one time stay in the order in which they were made."""
    # a table of integers, because numpy gathers its rows several times faster than records
    table = np.concatenate([waiting, made]).view(np.int64).reshape(-1, ROW.itemsize // 8)
    order = np.argsort(table[:, field_word(ROW, "local_ns")], kind="stable")
    return table[order].view(ROW).reshape(-1)


def _events(rows: npt.NDArray[np.void], start_ns: int, price_ticks: int) -> EventArray:
    events = np.zeros(len(rows), EVENT)
    events["ev"] = _EV[rows["kind"]]
    events["exch_ts"] = start_ns + rows["elapsed_ms"] * NS_PER_MS
    events["local_ts"] = start_ns + rows["local_ns"]
    # a quotient of whole numbers is the float64 nearest to the decimal, like float("60000.1")
    events["px"] = (rows["at"] + (price_ticks - HALF_WINDOW_TICKS)) / TICKS_PER_UNIT
    events["qty"] = rows["lots"] / LOTS_PER_UNIT
    return events


def _simulate(seed: int, duration_ms: int) -> Iterator[tuple[npt.NDArray[np.void], int]]:
    """Yield rows in the order of rounds, and the earliest time of the next round [ns].

    What the kernel cannot do is fetch random words and make room. The rows are overwritten by the next ones.
    """
    source = np.random.PCG64(seed)
    book = Book(
        np.zeros((2, 2 * HALF_WINDOW_TICKS), np.int64),
        np.zeros((2, 2 * HALF_WINDOW_TICKS), np.int64),
        np.zeros((2, DIRTY_MAX), np.int64),
        np.zeros(2, SIDE),
    )
    market = np.zeros(1, MARKET)[0]
    words = _words(source, DRAWS_CHUNK)
    out = np.zeros(ROWS_CHUNK, ROW)
    _open(market, book, words, out)
    while market["elapsed_ms"] < duration_ms:
        _run(market, book, words, out, duration_ms)
        yield out[: market["rows"]], (int(market["elapsed_ms"]) + 1) * NS_PER_MS
        words = np.concatenate([words[market["draw"] :], _words(source, int(market["draw"]))])
        market["rows"] = market["draw"] = 0


def _words(source: np.random.PCG64, count: int) -> IntArray:
    """Return uniform integers of 63 bits. Raw words: numpy keeps them the same in every version."""
    raw: npt.NDArray[np.uint64] = source.random_raw(count)
    return (raw >> np.uint64(1)).astype(np.int64)


@kernel
def _run(
    market: np.void,
    book: Book,
    words: IntArray,
    out: npt.NDArray[np.void],
    duration_ms: int,
) -> None:
    """Play rounds until the time is over, the words are used up or ``out`` is full."""
    while market["draw"] + DRAWS_PER_ROUND_MAX <= len(words) and market["rows"] + ROWS_PER_ROUND_MAX <= len(
        out
    ):
        pace = ONE + market["heat"]
        gap_ms = 1 + _exponential(_draw(market, words)) * ROUND_MS // pace
        market["elapsed_ms"] += gap_ms
        if market["elapsed_ms"] >= duration_ms:
            return
        market["heat"] -= market["heat"] * min(gap_ms, HEAT_MS) // HEAT_MS
        _round(market, book, words, out)


@kernel
def _open(market: np.void, book: Book, words: IntArray, out: npt.NDArray[np.void]) -> None:
    """Fill both sides around the middle of the window and publish them as a snapshot at time 0."""
    middle = book.lots.shape[1] >> 1
    market["fair"] = (middle << 8) + 128
    market["sign"] = 1
    book.sides[BID]["best"], book.sides[ASK]["best"] = 0, book.lots.shape[1] - 1
    market["depth_local_ns"] = market["trade_local_ns"] = _latency(_draw(market, words))
    for side in range(2):
        at = middle + side
        for _ in range(OPENING_LEVELS):
            lots = _lognormal(ORDER_LOTS, ORDER_BITS, _draw(market, words))
            _set_level(book, side, at, lots, 0)
            _write(market, out, _SNAPSHOT_BID + side, at, lots)
            out[market["rows"] - 1]["local_ns"] = market["depth_local_ns"]
            at += _outward(side) * (1 + _below(OPENING_GAP_TICKS, _draw(market, words)))


@kernel
def _round(market: np.void, book: Book, words: IntArray, out: npt.NDArray[np.void]) -> None:
    """Play one round: trades first, against the published book; then everything else, then publish."""
    market["round"] += 1
    for side in range(2):
        book.sides[side]["dirty"] = 0
    book.sides[BID]["traded"], book.sides[ASK]["traded"] = book.lots.shape[1], -1
    first_row = market["rows"]
    _move_fair(market, words, book.lots.shape[1])
    mean = _exponential(_draw(market, words)) * TRADES_PER_ROUND >> 16
    for _ in range(min(TRADES_MAX, (mean + ONE // 2) >> 16)):
        _trade(market, book, words, out)
    _pull_stale(market, book, words)
    _close_spread(market, book, words)
    for _ in range(min(FLOW_MAX, _exponential(_draw(market, words)) * FLOW_PER_ROUND >> 16)):
        _flow(market, book, words)
    _publish(market, book, words, out, first_row)


@kernel
def _move_fair(market: np.void, words: IntArray, window: int) -> None:
    """Jump now and then; turn back at the limits, so that the window holds for any duration."""
    chance = _below(ONE, _draw(market, words))
    step = (JUMP_TICKS * _normal(_draw(market, words))) >> 8
    if chance < NEWS_CHANCE:
        step *= NEWS_SCALE
        market["heat"] = min(HEAT_MAX, market["heat"] + NEWS_HEAT)
    if chance < JUMP_CHANCE:
        fair = market["fair"] + step
        least, most = (window >> 2) << 8, (window - (window >> 2)) << 8
        market["fair"] = 2 * least - fair if fair < least else (2 * most - fair if fair > most else fair)


@kernel
def _trade(market: np.void, book: Book, words: IntArray, out: npt.NDArray[np.void]) -> None:
    """Send one market order: informed if the fair price lies beyond the touch, else on the side of habit."""
    fair_at = market["fair"] >> 8
    repeats = _below(ONE, _draw(market, words)) < SIGN_PERSISTENCE
    lots = _lognormal(TRADE_LOTS, TRADE_BITS, _draw(market, words))
    informed = True
    if fair_at >= book.sides[ASK]["best"]:
        sign = 1
    elif fair_at < book.sides[BID]["best"]:
        sign = -1
    else:
        informed = False
        sign = market["sign"] if repeats else -market["sign"]
    market["sign"] = sign
    hit = ASK if sign > 0 else BID
    if informed:
        lots *= INFORMED_SCALE
    for _ in range(LEVELS_PER_TRADE):
        at = book.sides[hit]["best"]
        beyond = at > fair_at if hit == ASK else at <= fair_at
        if lots == 0 or book.sides[hit]["levels"] <= LEVELS_MIN or (informed and beyond):
            break
        done = min(lots, book.lots[hit, at])
        lots -= done
        _write(market, out, _TRADE_BUY if hit == ASK else _TRADE_SELL, at, done)
        _set_level(book, hit, at, book.lots[hit, at] - done, market["round"])
        book.sides[hit]["traded"] = at
    market["heat"] = min(HEAT_MAX, market["heat"] + HEAT_PER_TRADE)


@kernel
def _pull_stale(market: np.void, book: Book, words: IntArray) -> None:
    """Let makers cancel the levels that the fair price has run through, best first, until one hesitates."""
    fair_at = market["fair"] >> 8
    for side in range(2):
        for _ in range(PULL_MAX):
            at = book.sides[side]["best"]
            stale = at <= fair_at if side == ASK else at > fair_at
            if not stale or book.sides[side]["levels"] <= LEVELS_MIN or _is_held(book, side, at):
                break
            if _below(ONE, _draw(market, words)) >= PULL_CHANCE:
                break
            _set_level(book, side, at, 0, market["round"])


@kernel
def _close_spread(market: np.void, book: Book, words: IntArray) -> None:
    """Let makers quote on both sides of the fair price if there is room between the touches."""
    bid, ask = book.sides[BID]["best"], book.sides[ASK]["best"]
    if ask - bid <= 1 or _below(ONE, _draw(market, words)) >= CLOSE_CHANCE:
        return
    fair_at = market["fair"] >> 8
    new_bid, new_ask = min(max(fair_at, bid), ask - 1), max(min(fair_at + 1, ask), bid + 1)
    for side in range(2):
        at = new_bid if side == BID else new_ask
        if at != book.sides[side]["best"] and not _is_held(book, side, at):
            lots = CLOSE_SCALE * _lognormal(ORDER_LOTS, ORDER_BITS, _draw(market, words))
            _set_level(book, side, at, lots, market["round"])


@kernel
def _flow(market: np.void, book: Book, words: IntArray) -> None:
    """Place or cancel one order, as often near the touch as in each octave of distance behind it."""
    choice = _below(2 * ONE, _draw(market, words))
    side, places = choice & 1, choice >> 1 < PLACE_CHANCE
    octave = _below(DISTANCE_BITS, _draw(market, words))
    distance = (1 << octave) - 1 + _below(1 << octave, _draw(market, words))
    at = book.sides[side]["best"] + _outward(side) * distance
    lots = _lognormal(ORDER_LOTS, ORDER_BITS, _draw(market, words))
    if at < SEARCH_TICKS or at >= book.lots.shape[1] - SEARCH_TICKS or _is_held(book, side, at):
        return
    if places:
        _set_level(book, side, at, book.lots[side, at] + lots, market["round"])
        return
    if book.sides[side]["levels"] <= LEVELS_MIN:
        return
    for _ in range(SEARCH_TICKS):
        if book.lots[side, at] > 0:
            _set_level(book, side, at, max(0, book.lots[side, at] - lots), market["round"])
            return
        at += _outward(side)
        if at < 0 or at >= book.lots.shape[1]:
            return


@kernel
def _publish(market: np.void, book: Book, words: IntArray, out: npt.NDArray[np.void], first_row: int) -> None:
    """Send the trades, then each changed level once: two channels, each in order, depth after its trades."""
    now_ns = market["elapsed_ms"] * NS_PER_MS
    trade_delay_ns, depth_delay_ns = _latency(_draw(market, words)), _latency(_draw(market, words))
    traded = market["rows"] > first_row
    if traded:
        market["trade_local_ns"] = max(market["trade_local_ns"] + CHANNEL_GAP_NS, now_ns + trade_delay_ns)
        for row in range(first_row, market["rows"]):
            out[row]["local_ns"] = market["trade_local_ns"]
    if book.sides[BID]["dirty"] + book.sides[ASK]["dirty"] == 0:
        return
    depth_local_ns = max(market["depth_local_ns"] + CHANNEL_GAP_NS, now_ns + depth_delay_ns)
    if traded:
        depth_local_ns = max(depth_local_ns, market["trade_local_ns"] + CHANNEL_GAP_NS)
    market["depth_local_ns"] = depth_local_ns
    for side in range(2):
        for number in range(book.sides[side]["dirty"]):
            at = book.dirty[side, number]
            _write(market, out, _DEPTH_BID + side, at, book.lots[side, at])
            out[market["rows"] - 1]["local_ns"] = depth_local_ns


@kernel
def _write(market: np.void, out: npt.NDArray[np.void], kind: int, at: int, lots: int) -> None:
    row = out[market["rows"]]
    row["kind"], row["elapsed_ms"], row["at"], row["lots"] = kind, market["elapsed_ms"], at, lots
    market["rows"] += 1


@kernel
def _outward(side: int) -> int:
    """Return the direction away from the touch, as a step of the window index."""
    return 2 * side - 1


@kernel
def _is_held(book: Book, side: int, at: int) -> bool:
    return bool((at - book.sides[side]["traded"]) * _outward(side) <= 0)


@kernel
def _set_level(book: Book, side: int, at: int, lots: int, now: int) -> None:
    """Set the quantity of a level in round ``now``; keep the touch, the count and the list of changes."""
    state = book.sides[side]
    if book.stamps[side, at] != now:
        book.stamps[side, at] = now
        book.dirty[side, state["dirty"]] = at
        state["dirty"] += 1
    state["levels"] += (1 if lots > 0 else 0) - (1 if book.lots[side, at] > 0 else 0)
    book.lots[side, at] = lots
    if lots > 0:
        if (state["best"] - at) * _outward(side) > 0:
            state["best"] = at
        return
    while book.lots[side, state["best"]] == 0:  # ends: LEVELS_MIN levels stay
        state["best"] += _outward(side)


@kernel
def _draw(market: np.void, words: IntArray) -> int:
    """Return the next random word: 63 uniform bits."""
    word = int(words[market["draw"]])
    market["draw"] += 1
    return word


@kernel
def _below(count: int, word: int) -> int:
    """Return a uniform integer of 0 to count - 1; count at most 2**31."""
    return int(((word >> 32) * count) >> 31)


@kernel
def _exponential(word: int) -> int:
    """Return an exponential variate of mean 1 [1/65536]: -log(u), from the leading zeros of u and a table."""
    zeros = 0
    while zeros < 62 and word < 1 << 62:
        word <<= 1
        zeros += 1
    part = (word >> 58) & 15
    rest = (word >> 42) & (ONE - 1)
    log2 = LOG2_TABLE[part] + ((LOG2_TABLE[part + 1] - LOG2_TABLE[part]) * rest >> 16)
    return int((((zeros + 1) << 16) - log2) * LN2 >> 16)


@kernel
def _normal(word: int) -> int:
    """Return a nearly normal variate of deviation 1 [1/65536], at most 3.46: the sum of four uniform ones."""
    total = (word & 32767) + ((word >> 15) & 32767) + ((word >> 30) & 32767) + ((word >> 45) & 32767)
    return int((total - 2 * 32767) * NORMAL_SCALE >> 16)


@kernel
def _lognormal(median: int, bits: int, word: int) -> int:
    """Return a variate >= 1 whose base-2 logarithm has deviation ``bits`` [1/65536]."""
    power = bits * _normal(word) >> 16
    part, rest = (power >> 12) & 15, power & 4095
    factor = EXP2_TABLE[part] + ((EXP2_TABLE[part + 1] - EXP2_TABLE[part]) * rest >> 12)
    shift = 16 - (power >> 16)  # whole octaves, and the unit of the table
    value = median * factor
    return int(max(1, value >> shift if shift >= 0 else value << -shift))


@kernel
def _latency(word: int) -> int:
    """Return a feed latency [ns]: a floor and a long tail, at most about 60 ms."""
    return int(LATENCY_LEAST_NS + _lognormal(LATENCY_NS, LATENCY_BITS, word))
