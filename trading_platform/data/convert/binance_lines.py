"""Compiled parser of Binance's streams: bytes of recorded lines in, event rows out, no Python per line.

Lines it does not know (`OTHER`) and lines that break a rule (`FAULT`) are left to Python, to be counted or explained.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import INT, Array, entry, kernel
from ...model.records import int64_record
from ..events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EVENT,
    KIND_MASK,
    SELL_FLAG,
    SIDE_FLAGS,
    TRADE,
    EventArray,
    IntArray,
)
from .json_scan import (
    BROKEN,
    NO_NUMBER,
    Text,
    code_of,
    next_item,
    read_decimal,
    read_integer,
    read_pair,
    scan_object,
    skip_blank,
    skip_value,
    span_code,
)
from .top import ASKS, BIDS, LEVELS_MAX, FloatArray, find_level, new_levels, set_level

DONE, OTHER, FAULT, FULL = 0, 1, 2, 3
RECENT_ROWS: Final = (
    1 << 14
)  # of the newest depth differences, to be applied again after a snapshot older than they
SPARE_ROWS: Final = RECENT_ROWS + 2 * LEVELS_MAX + 8  # a line may add so many besides its own levels
BYTES_PER_LEVEL: Final = 8  # of text, at least
LISTED: Final = 20
SYMBOL_BYTES: Final = 32
_STAMP_DIGITS: Final = 19  # ns since 1970, 2001 to 2286
_NEW_LINE, _BLANK, _QUOTE, _ZERO, _OPEN_ARRAY = ord("\n"), ord(" "), ord('"'), ord("0"), ord("[")
_MS_DIGITS, _US_DIGITS = 13, 16
_REST_OF_MS: Final = 999_999

FIELDS: Final = (
    *("data", "e", "E", "T", "s", "U", "u", "pu", "b", "a", "B", "A", "p", "q", "X", "m"),
    *("lastUpdateId", "bids", "asks", "symbol"),
)
(_DATA, _KIND, _EVENT_TIME, _TIME, _SYMBOL, _FIRST, _LAST, _BEFORE, _BIDS_OR_BID, _ASKS_OR_ASK) = range(10)
(_BID_QTY, _ASK_QTY, _PRICE, _QTY, _CAUSE, _MAKER_BOUGHT, _SNAPSHOT_ID, _BIDS, _ASKS, _NAME) = range(10, 20)
_KEYS: Final = np.array([code_of(name) for name in FIELDS], np.int64)
_KEYS.flags.writeable = False
_DEPTH_KIND, _TRADE_KIND, _TICKER_KIND = code_of("depthUpdate"), code_of("trade"), code_of("bookTicker")
_MARKET, _TRUE, _FALSE = code_of("MARKET"), code_of("true"), code_of("false")


class Fault(IntEnum):
    """What a line can break."""

    NONE = 0
    STAMP = 1
    FILES = 2
    JSON = 3
    FIELD = 4
    TIME = 5
    INTEGER = 6
    DECIMAL = 7
    LEVEL = 8
    FLAG = 9
    IDS = 10
    SYMBOL = 11
    RANGE = 12


_STAMP, _FILES, _JSON, _FIELD = (
    int(Fault.STAMP),
    int(Fault.FILES),
    int(Fault.JSON),
    int(Fault.FIELD),
)
_BAD_TIME, _INTEGER, _DECIMAL, _LEVEL = (
    int(Fault.TIME),
    int(Fault.INTEGER),
    int(Fault.DECIMAL),
    int(Fault.LEVEL),
)
_FLAG, _IDS, _OTHER_SYMBOL, _RANGE = (
    int(Fault.FLAG),
    int(Fault.IDS),
    int(Fault.SYMBOL),
    int(Fault.RANGE),
)

STATE: Final = int64_record(
    "is_futures",  # pu chains the ids, T is there; else U follows u and some messages have no time
    "use_ticker",
    "begun",  # a line of this file was read
    "local_ns",
    "line",
    "rows",  # in the buffer
    "line_start",
    "line_end",
    "last_u",  # of the newest depth difference, -1 none
    "snapshot_u",  # of the newest snapshot, -1 none
    "gap_u",  # first id after a hole that no snapshot closed yet, -1 none
    "ticker_u",
    "ticker_exch_ns",
    "depth_ns",  # newest venue time of a depth difference
    "book_ns",  # newest venue time of depth or book ticker
    "recent",  # rows ever put into the ring
    "is_dated",  # a message with a time was read
    "latency_ns",  # least so far of messages with a time
    "symbol_bytes",
    "gaps",  # the counts below are of one file
    "resyncs",
    "steps_back",
    "depths",
    "old_depths",
    "trades",
    "tickers",
    "stale_tickers",
    "snapshots",
    "old_snapshots",
    "outcome",  # of the last call
    "fault",
    "fault_field",
    "fault_at",
)
FILE_COUNTS: Final = (
    STATE.names[STATE.names.index("gaps") : STATE.names.index("outcome")] if STATE.names else ()
)


class Work(NamedTuple):
    """Everything the parser changes."""

    state: npt.NDArray[np.void]  # one STATE record
    symbol: npt.NDArray[np.uint8]  # shape (SYMBOL_BYTES,)
    rows: EventArray  # the buffer
    gaps: IntArray  # shape (LISTED, 3): line, expected, found
    recent: EventArray  # ring of the newest depth differences, order_id is their last update id
    keys: FloatArray  # the book, see top.py
    quantities: FloatArray
    counts: IntArray
    ticker: FloatArray  # shape (2, 2): key and quantity of the newest best bid and best ask, 0 none
    found: IntArray  # positions of the fields


def new_work(*, is_futures: bool, use_ticker: bool, rows: int) -> Work:
    """Return the state at the beginning of a stream, with room for ``rows`` besides the spare ones."""
    state = np.zeros(1, STATE)
    for name in ("last_u", "snapshot_u", "gap_u", "ticker_u"):
        state[name] = -1
    state["is_futures"], state["use_ticker"] = is_futures, use_ticker
    return Work(
        state,
        np.zeros(SYMBOL_BYTES, np.uint8),
        np.zeros(rows + SPARE_ROWS, EVENT),
        np.zeros((LISTED, 3), np.int64),
        np.zeros(RECENT_ROWS, EVENT),
        *new_levels(),
        np.zeros((2, 2)),
        np.zeros(len(FIELDS), np.int64),
    )


@entry(
    Array(np.dtype(np.uint8)),
    INT,
    Array(STATE),
    Array(np.dtype(np.uint8)),
    Array(EVENT),
    Array(np.dtype(np.int64), 2),
    Array(EVENT),
    Array(np.dtype(np.float64), 2),
    Array(np.dtype(np.float64), 2),
    Array(np.dtype(np.int64)),
    Array(np.dtype(np.float64), 2),
    Array(np.dtype(np.int64)),
)
def parse_lines(
    text: Text,
    at: int,
    state: npt.NDArray[np.void],
    symbol: npt.NDArray[np.uint8],
    rows: EventArray,
    gaps: IntArray,
    recent: EventArray,
    keys: FloatArray,
    quantities: FloatArray,
    counts: IntArray,
    ticker: FloatArray,
    found: IntArray,
) -> int:
    """Parse whole lines from ``at`` on; the arrays are those of Work.

    Returns
    -------
    int : position after the last line that was dealt with. The state's ``outcome`` is DONE (all lines), FULL (empty
        the buffer and go on), OTHER or FAULT (about the line at line_start)
    """
    work = Work(state, symbol, rows, gaps, recent, keys, quantities, counts, ticker, found)
    record, size = state[0], len(text)
    record["outcome"] = DONE
    while at < size and record["outcome"] == DONE:
        end = at
        while end < size and int(text[end]) != _NEW_LINE:
            end += 1
        if len(rows) - record["rows"] < (end - at) // BYTES_PER_LEVEL + SPARE_ROWS and record["rows"] > 0:
            record["outcome"] = FULL
            return at
        record["line"] += 1
        record["line_start"], record["line_end"] = at, end
        at = min(size, end + 1)
        record["outcome"] = _parse_line(text, int(record["line_start"]), end, work)
    return at


@kernel
def _parse_line(text: Text, at: int, end: int, work: Work) -> int:
    state, found = work.state[0], work.found
    if not _receive(text, at, end, state):
        return FAULT
    at = skip_blank(text, at + _STAMP_DIGITS + 1, end)
    after = scan_object(text, at, end, _KEYS, found)
    if after == BROKEN or skip_blank(text, after, end) != end:
        return _fault(state, _JSON, 0, at)
    if found[_KIND] != BROKEN:
        kind = _word(text, int(found[_KIND]), end)
        if kind == _DEPTH_KIND:
            return _depth(text, end, work)
        if kind == _TRADE_KIND:
            return _trade(text, end, work)
        if kind == _TICKER_KIND:
            return _ticker(text, end, work)
    elif found[_SNAPSHOT_ID] != BROKEN:
        return _snapshot(text, end, work)
    elif (
        found[_LAST] != BROKEN and found[_BID_QTY] != BROKEN and found[_ASK_QTY] != BROKEN
    ):  # spot names no type
        return _ticker(text, end, work)
    return OTHER


@kernel
def _receive(text: Text, at: int, end: int, state: np.void) -> bool:
    """Read the receipt time; one that steps back is held and counted."""
    stamp = 0
    for place in range(at, min(end, at + _STAMP_DIGITS)):
        digit = int(text[place]) - _ZERO
        if digit < 0 or digit > 9:
            return _fault(state, _STAMP, 0, at) != FAULT
        stamp = stamp * 10 + digit
    if end <= at + _STAMP_DIGITS or int(text[at + _STAMP_DIGITS]) != _BLANK or stamp < 10**18:
        return _fault(state, _STAMP, 0, at) != FAULT
    if stamp < state["local_ns"]:
        if state["begun"] == 0:
            return _fault(state, _FILES, 0, at) != FAULT
        state["steps_back"] += 1
    else:
        state["local_ns"] = stamp
    state["begun"] = 1
    return True


@kernel
def _fault(state: np.void, fault: int, field: int, at: int) -> int:
    state["fault"], state["fault_field"], state["fault_at"] = fault, field, at
    return FAULT


@kernel
def _word(text: Text, at: int, end: int) -> int:
    """Return the code of a string or a bare word."""
    after = skip_value(text, at, end)
    if int(text[at]) == _QUOTE:
        return span_code(text, at + 1, after - 1)
    return span_code(text, at, after)


@kernel
def _need(work: Work, field: int) -> bool:
    if work.found[field] == BROKEN:
        _fault(work.state[0], _FIELD, field, 0)
        return False
    return True


@kernel
def _integer(text: Text, end: int, work: Work, field: int) -> int:
    """Return an id, or BROKEN with the fault noted."""
    if not _need(work, field):
        return BROKEN
    number, digits = read_integer(text, int(work.found[field]), end)
    if digits == 0:
        _fault(work.state[0], _INTEGER, field, int(work.found[field]))
        return BROKEN
    return number


@kernel
def _decimal(text: Text, end: int, work: Work, field: int) -> float:
    """Return a price or quantity >= 0, or a negative number with the fault noted."""
    if not _need(work, field):
        return -1.0
    value, after = read_decimal(text, int(work.found[field]), end)
    if after == NO_NUMBER or value < 0:
        _fault(work.state[0], _DECIMAL if after == NO_NUMBER else _RANGE, field, int(work.found[field]))
        return -1.0
    return value


@kernel
def _exch_ns(text: Text, end: int, work: Work) -> int:
    """Return when the venue did it: T, else (not futures) E; 0 if the message has no time, BROKEN if it is wrong."""
    state, found = work.state[0], work.found
    field = _TIME
    if found[field] == BROKEN and state["is_futures"] == 0:
        field = _EVENT_TIME
    if found[field] == BROKEN:
        if state["is_futures"] != 0:
            _fault(state, _FIELD, field, 0)
            return BROKEN
        return 0
    number, digits = read_integer(text, int(found[field]), end)
    if digits == _MS_DIGITS:
        return number * 1_000_000
    if digits == _US_DIGITS:
        return number * 1_000
    _fault(state, _BAD_TIME, field, int(found[field]))
    return BROKEN


@kernel
def _date(work: Work, exch_ns: int) -> None:
    """Note the least latency of messages with a time; rows of messages before the first such one get its latency.

    The least, not the last: a book ticker must not stand before the trade that made it.
    """
    state = work.state[0]
    latency_ns = state["local_ns"] - exch_ns
    if state["is_dated"] == 0 or latency_ns < state["latency_ns"]:
        state["latency_ns"] = latency_ns
    if state["is_dated"] == 0:
        state["is_dated"] = 1
        for number in range(state["rows"]):
            if work.rows[number]["exch_ts"] == 0:
                work.rows[number]["exch_ts"] = work.rows[number]["local_ts"] - state["latency_ns"]


@kernel
def _book_ns(state: np.void, exch_ns: int) -> int:
    """Return the venue time of a book change: with the book ticker, changes keep the order of their update ids."""
    if state["use_ticker"] == 0 or exch_ns == 0:
        return exch_ns
    state["book_ns"] = max(state["book_ns"], exch_ns)
    return int(state["book_ns"])


@kernel
def _undated_ns(state: np.void) -> int:
    """Return the latest time that a message without one can have; 0 before the first message with one."""
    return int(state["local_ns"] - state["latency_ns"]) if state["is_dated"] != 0 else 0


@kernel
def _same_symbol(text: Text, end: int, work: Work, field: int) -> bool:
    """Check the symbol of the message, or learn it from the first."""
    state = work.state[0]
    if not _need(work, field):
        return False
    start = int(work.found[field]) + 1
    size = skip_value(text, start - 1, end) - 1 - start
    if state["symbol_bytes"] == 0 and 0 < size <= SYMBOL_BYTES:
        for number in range(size):
            work.symbol[number] = text[start + number]
        state["symbol_bytes"] = size
    same = size == state["symbol_bytes"] and int(text[start - 1]) == _QUOTE
    if same:
        for number in range(size):
            same = same and int(work.symbol[number]) == int(text[start + number])
    if not same:
        _fault(state, _OTHER_SYMBOL, field, start - 1)
    return same


@kernel
def _add(work: Work, ev: int, exch_ns: int, price: float, qty: float) -> None:
    """Append a row, received now."""
    state = work.state[0]
    row = work.rows[state["rows"]]
    row["ev"], row["exch_ts"], row["local_ts"] = np.uint64(ev), exch_ns, state["local_ns"]
    row["px"], row["qty"], row["ival"] = price, qty, state["line"]
    state["rows"] += 1


@kernel
def _levels(text: Text, end: int, work: Work, field: int, ev: int, exch_ns: int) -> bool:
    """Append a row per level of a side."""
    state, rows = (
        work.state[0],
        work.rows,
    )  # no call per level takes all of `work`: its arrays are counted each time
    if not _need(work, field):
        return False
    local_ns, line, count = state["local_ns"], state["line"], int(state["rows"])
    at = int(work.found[field])
    if int(text[at]) != _OPEN_ARRAY:
        return _fault(state, _LEVEL, field, at) != FAULT
    at = next_item(text, at, end, True)
    while at >= 0:
        start = at
        price, qty, at = read_pair(text, at, end)
        if at < 0:
            return _fault(state, _DECIMAL if at == NO_NUMBER else _LEVEL, field, start) != FAULT
        if price <= 0 or qty < 0:
            return _fault(state, _RANGE, field, start) != FAULT
        row = rows[count]
        row["ev"], row["exch_ts"], row["local_ts"] = np.uint64(ev), exch_ns, local_ns
        row["px"], row["qty"], row["ival"] = price, qty, line
        count += 1
        at = next_item(text, at, end, False)
    state["rows"] = count
    return at != BROKEN or _fault(state, _JSON, field, int(work.found[field])) != FAULT


@kernel
def _depth(text: Text, end: int, work: Work) -> int:
    """Append the levels that a difference sets, and see that it follows the one before."""
    state = work.state[0]
    if not _same_symbol(text, end, work, _SYMBOL):
        return FAULT
    first, last = _integer(text, end, work, _FIRST), _integer(text, end, work, _LAST)
    before = _integer(text, end, work, _BEFORE) if state["is_futures"] != 0 else first - 1
    if first == BROKEN or last == BROKEN or before == BROKEN:
        return FAULT
    if first > last:
        return _fault(state, _IDS, _FIRST, int(work.found[_FIRST]))
    exch_ns = _exch_ns(text, end, work)
    if exch_ns <= 0:
        return FAULT if exch_ns == BROKEN else _fault(state, _FIELD, _EVENT_TIME, 0)
    _date(work, exch_ns)
    told_again = last <= state["last_u"] and exch_ns <= state["depth_ns"]  # by recordings that overlap, say
    state["depth_ns"] = max(state["depth_ns"], exch_ns)
    exch_ns = _book_ns(state, exch_ns)
    state["depths"] += 1
    if told_again:
        state["old_depths"] += 1
        return DONE
    _chain(work, first, last, before)
    if last < state["snapshot_u"] + (0 if state["is_futures"] != 0 else 1):
        state["old_depths"] += 1  # the snapshot holds it
        return DONE
    start = int(state["rows"])
    if not _levels(text, end, work, _BIDS_OR_BID, DEPTH | BUY_FLAG, exch_ns):
        return FAULT
    if not _levels(text, end, work, _ASKS_OR_ASK, DEPTH | SELL_FLAG, exch_ns):
        return FAULT
    _remember(work, start, last)
    if state["use_ticker"] != 0:
        _apply(work, start, last)
    return DONE


@kernel
def _chain(work: Work, first: int, last: int, before: int) -> None:
    """Note a hole before this difference."""
    state = work.state[0]
    expected = state["last_u"]
    # before it: an overlap, in which nothing is lost, or a later message with older ids, which began anew
    broken = expected >= 0 and (before > expected or last <= expected)
    if expected < 0 and state["snapshot_u"] >= 0:  # the first one may begin inside the snapshot
        expected, broken = state["snapshot_u"], before > state["snapshot_u"]
    state["last_u"] = last
    if not broken:
        return
    if state["gaps"] < LISTED:
        gap = work.gaps[state["gaps"]]
        shift = 0 if state["is_futures"] != 0 else 1  # spot: U must follow
        gap[0], gap[1], gap[2] = state["line"], expected + shift, before + shift
    state["gaps"] += 1
    if before <= state["snapshot_u"]:  # a snapshot that came before this difference reaches over the hole
        state["resyncs"] += 1
    else:
        state["gap_u"] = first


@kernel
def _remember(work: Work, start: int, last: int) -> None:
    state, rows, recent = work.state[0], work.rows, work.recent
    for number in range(start, state["rows"]):
        place = state["recent"] % RECENT_ROWS
        recent[place] = rows[number]
        recent[place]["order_id"] = np.uint64(last)
        state["recent"] += 1


@kernel
def _trade(text: Text, end: int, work: Work) -> int:
    """Append a trade; one that no order of the book made is left to be counted by its name."""
    state, found = work.state[0], work.found
    if not _same_symbol(text, end, work, _SYMBOL):
        return FAULT
    if state["is_futures"] != 0 and not _need(work, _CAUSE):
        return FAULT
    if found[_CAUSE] != BROKEN and _word(text, int(found[_CAUSE]), end) != _MARKET:
        return OTHER
    if not _need(work, _MAKER_BOUGHT):
        return FAULT
    maker_bought = _word(text, int(found[_MAKER_BOUGHT]), end)
    if int(text[found[_MAKER_BOUGHT]]) == _QUOTE or (maker_bought != _TRUE and maker_bought != _FALSE):
        return _fault(state, _FLAG, _MAKER_BOUGHT, int(found[_MAKER_BOUGHT]))
    price, qty = _decimal(text, end, work, _PRICE), _decimal(text, end, work, _QTY)
    if price < 0 or qty < 0:
        return FAULT
    if price == 0:
        return _fault(state, _RANGE, _PRICE, int(found[_PRICE]))
    exch_ns = _exch_ns(text, end, work)
    if exch_ns <= 0:
        return FAULT if exch_ns == BROKEN else _fault(state, _FIELD, _EVENT_TIME, 0)
    _date(work, exch_ns)
    state["trades"] += 1
    _add(work, TRADE | (SELL_FLAG if maker_bought == _TRUE else BUY_FLAG), exch_ns, price, qty)
    return DONE


@kernel
def _snapshot(text: Text, end: int, work: Work) -> int:
    """Append a snapshot: clear each side as far as it reaches, or wholly after a hole, then set its levels.

    Differences received before that are younger than the snapshot are appended once more, at their own venue time.
    """
    state, found = work.state[0], work.found
    if found[_NAME] != BROKEN and not _same_symbol(text, end, work, _NAME):  # COIN-M only
        return FAULT
    last = _integer(text, end, work, _SNAPSHOT_ID)
    exch_ns = _exch_ns(text, end, work)
    if last == BROKEN or exch_ns == BROKEN:
        return FAULT
    after_gap = state["gap_u"] >= 0
    # futures: as hftbacktest does, the book that we see falls back until the next differences
    again = last < state["last_u"] and (after_gap or state["is_futures"] == 0)
    if (after_gap and last < state["gap_u"] - 1) or (again and not _reaches(work, last)):
        state["old_snapshots"] += 1
        return DONE
    if exch_ns == 0:
        exch_ns = _snapshot_ns(work, last)
    state["snapshots"] += 1
    start = int(state["rows"])
    if after_gap:
        _add(work, DEPTH_CLEAR, exch_ns, 0.0, 0.0)
    for side in range(2):
        field, flag = (_BIDS, BUY_FLAG) if side == BIDS else (_ASKS, SELL_FLAG)
        at = int(state["rows"])
        if not after_gap:
            _add(work, DEPTH_CLEAR | flag, exch_ns, 0.0, 0.0)
        if not _levels(text, end, work, field, DEPTH_SNAPSHOT | flag, exch_ns):
            return FAULT
        if not after_gap:
            count = int(state["rows"]) - at - 1
            if count == 0:
                state["rows"] = at
            else:
                work.rows[at]["px"] = work.rows[at + count]["px"]
    if again:
        _append_again(work, last)
    state["snapshot_u"] = max(last, state["snapshot_u"])
    if after_gap:
        state["resyncs"] += 1
        state["gap_u"] = -1
    if state["use_ticker"] != 0:
        newest = max(last, int(state["last_u"])) if again else last
        _apply(work, start, newest)
        _append_ticker(work, newest)
    return DONE


@kernel
def _reaches(work: Work, last: int) -> bool:
    """Tell whether all differences after an update id are still in the ring."""
    count = work.state[0]["recent"]
    return count <= RECENT_ROWS or int(work.recent[count % RECENT_ROWS]["order_id"]) <= last


@kernel
def _snapshot_ns(work: Work, last: int) -> int:
    """Return the time of a snapshot without one: that of the newest difference it holds, else of its receipt."""
    count = work.state[0]["recent"]
    for number in range(count - 1, max(0, count - RECENT_ROWS) - 1, -1):
        row = work.recent[number % RECENT_ROWS]
        if int(row["order_id"]) <= last:
            return int(row["exch_ts"])
    return _undated_ns(work.state[0])


@kernel
def _append_again(work: Work, last: int) -> None:
    count = work.state[0]["recent"]
    for number in range(max(0, count - RECENT_ROWS), count):
        row = work.recent[number % RECENT_ROWS]
        if int(row["order_id"]) > last:
            _add(work, int(row["ev"]), int(row["exch_ts"]), row["px"], row["qty"])


@kernel
def _ticker(text: Text, end: int, work: Work) -> int:
    """Set the best levels if they are younger than the book, and remove what is better than they."""
    state = work.state[0]
    if not _same_symbol(text, end, work, _SYMBOL):
        return FAULT
    state["tickers"] += 1
    if state["use_ticker"] == 0:
        return DONE
    last = _integer(text, end, work, _LAST)
    exch_ns = _exch_ns(text, end, work)
    if last == BROKEN or exch_ns == BROKEN:
        return FAULT
    if last <= max(state["last_u"], state["snapshot_u"], state["ticker_u"]):
        state["stale_tickers"] += 1
        return DONE
    prices = (
        _decimal(text, end, work, _BIDS_OR_BID),
        _decimal(text, end, work, _ASKS_OR_ASK),
    )
    sizes = _decimal(text, end, work, _BID_QTY), _decimal(text, end, work, _ASK_QTY)
    if min(prices) < 0 or min(sizes) < 0:
        return FAULT
    if exch_ns == 0:
        exch_ns = _undated_ns(state)
    else:
        _date(work, exch_ns)
        exch_ns += _REST_OF_MS  # times are whole milliseconds: the trades that made it come first
    exch_ns = _book_ns(state, exch_ns)
    state["ticker_u"], state["ticker_exch_ns"] = last, exch_ns
    for side in range(2):
        key = prices[side] if side == BIDS else -prices[side]
        work.ticker[side, 0], work.ticker[side, 1] = key, sizes[side]
        if sizes[side] > 0 and prices[side] > 0:  # an empty side is told as zeros
            _set_best(work, side, key, sizes[side], exch_ns)
    return DONE


@kernel
def _set_best(work: Work, side: int, key: float, qty: float, exch_ns: int) -> None:
    ev = DEPTH | (BUY_FLAG if side == BIDS else SELL_FLAG)
    counts = work.counts
    while counts[side] > 0 and work.keys[side, counts[side] - 1] > key:
        counts[side] -= 1
        _add(work, ev, exch_ns, abs(work.keys[side, counts[side]]), 0.0)
    top = counts[side] - 1
    if top >= 0 and work.keys[side, top] == key and work.quantities[side, top] == qty:
        return
    set_level(work.keys, work.quantities, counts, side, key, qty)
    _add(work, ev, exch_ns, abs(key), qty)


@kernel
def _append_ticker(work: Work, last: int) -> None:
    """Set the best levels once more after a snapshot that is older than they."""
    state = work.state[0]
    if state["ticker_u"] <= last:
        return
    for side in range(2):
        if work.ticker[side, 1] > 0:
            _set_best(work, side, work.ticker[side, 0], work.ticker[side, 1], int(state["ticker_exch_ns"]))


@kernel
def _apply(work: Work, start: int, last: int) -> None:
    """Put rows from ``start`` on into the book; drop those that a younger best level contradicts."""
    state, rows = work.state[0], work.rows
    kept = start
    older = last < state["ticker_u"]
    for number in range(start, state["rows"]):
        ev, price, qty = int(rows[number]["ev"]), float(rows[number]["px"]), float(rows[number]["qty"])
        side = ASKS if ev & SIDE_FLAGS == SELL_FLAG else BIDS
        key = price if side == BIDS else -price
        if ev & KIND_MASK == DEPTH_CLEAR:
            if ev & SIDE_FLAGS == 0:
                work.counts[:] = 0
            else:
                work.counts[side] = find_level(work.keys, side, int(work.counts[side]), key)
        elif older and work.ticker[side, 1] > 0 and key >= work.ticker[side, 0]:
            continue
        else:
            set_level(work.keys, work.quantities, work.counts, side, key, qty)
        rows[kept] = rows[number]
        kept += 1
    state["rows"] = kept
