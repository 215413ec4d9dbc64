"""The port over hftbacktest: time, book, reports and commands of one backtest, in the core's integers.

The engine's own position, balance and order iteration are never used: they are wrong under partial fills, and their
order differs from run to run (see docs/engine.md).
"""

from typing import Final

import numpy as np

from ..._hftbacktest import ORDER
from ..._jit import kernel
from ...core import book
from ...core.state import State
from ...model.enums import CommandKind, EventFlag, Pending, ReportKind, Stop
from ...model.records import NEVER, Records
from . import abi
from .returncodes import END_OF_DATA, OK, ORDER_RESPONSE

SHADE_LOTS: Final = 1e-6  # see `_qty_of_lots`
HORIZON_NS: Final = 1 << 58  # nine years: the longest wait; finite, because the engine adds it unchecked
SWEEP_LEVELS_MAX: Final = 64  # bounds the reports of one fill
VENUE: Final = np.dtype(
    [
        ("backtest", "i8"),  # address; the same for every instrument
        ("depth", "i8"),  # addresses of the instrument's local book and orders
        ("orders", "i8"),
        ("roi", "i8"),  # 1: ROI vector depth, 0: hash map depth
        ("partial_fill", "i8"),
        ("return_code", "i8"),  # of the last wait
        ("response_ns", "i8"),  # latency of the venue's reports
        ("stalled", "i8"),  # waits in a row that were due at once
        ("scratch", "i8", (2,)),  # for results by address
        ("tick_size", "f8"),
        ("lot_size", "f8"),
        (
            "lots_per_unit",
            "f8",
        ),  # 1 / lot_size: a product is a third of a division, and rounds to the same lots
    ]
)
EVENT_BYTES: Final = 64  # of the engine's feed rows: ev, exch_ts, local_ts, px, qty, ...

_NONE: Final = int(ORDER.NONE)
_NEW: Final = int(ORDER.NEW)
_EXPIRED: Final = int(ORDER.EXPIRED)
_FILLED: Final = int(ORDER.FILLED)
_CANCELED: Final = int(ORDER.CANCELED)
_BUY_EVENT: Final = 1 << 29
_INT64_MAX: Final = (1 << 63) - 1

_LEAVES_QTY: Final = abi.ORDER_OFFSETS["leaves_qty"]
_EXEC_QTY: Final = abi.ORDER_OFFSETS["exec_qty"]
_EXEC_PRICE_TICK: Final = abi.ORDER_OFFSETS["exec_price_tick"]
_EXCH_TIMESTAMP: Final = abi.ORDER_OFFSETS["exch_timestamp"]
_MAKER_OFFSET: Final = abi.ORDER_OFFSETS["maker"]
_REQ: Final = abi.ORDER_OFFSETS["req"]
_STATUS: Final = abi.ORDER_OFFSETS["status"]

_RUNNING: Final = int(Stop.RUNNING)
_END: Final = int(Stop.END_OF_DATA)
_ENGINE_ERROR: Final = int(Stop.ENGINE_ERROR)
_LIVELOCK: Final = int(Stop.LIVELOCK)
_BOOK_OUT_OF_RANGE: Final = int(Stop.BOOK_OUT_OF_RANGE)
_BAD_FILL_PRICE: Final = int(Stop.BAD_FILL_PRICE)
_COMMAND_REFUSED: Final = int(Stop.COMMAND_REFUSED)
_SEND_NEW: Final = int(CommandKind.NEW)
_SEND_CANCEL: Final = int(CommandKind.CANCEL)
_P_CANCEL: Final = int(Pending.CANCEL)
_FILL: Final = int(ReportKind.FILL)
_ACK: Final = int(ReportKind.ACK)
_REPORT_CANCELED: Final = int(ReportKind.CANCELED)
_REPORT_EXPIRED: Final = int(ReportKind.EXPIRED)
_REPORT_REJECTED: Final = int(ReportKind.REJECTED)
_REPORT_CANCEL_REJECTED: Final = int(ReportKind.CANCEL_REJECTED)
_MAKER: Final = int(EventFlag.MAKER)
_ESTIMATED: Final = int(EventFlag.ESTIMATED)


@kernel
def wait(venue: Records, state: State, due_ns: int) -> int:
    """Let time pass until there is something to fold, at most until ``due_ns``. Sets session.now_ns.

    A wait that is due at once makes no progress; two in a row are a livelock.
    """
    engine, session = venue[0], state.session[0]
    timeout_ns = HORIZON_NS
    if due_ns != NEVER and session["now_ns"] > 0:
        timeout_ns = min(HORIZON_NS, due_ns - session["now_ns"])
    if timeout_ns <= 0:
        engine["stalled"] += 1
        if engine["stalled"] > 1:
            session["stop_detail"] = due_ns
            return _LIVELOCK
        timeout_ns = 0
    else:
        engine["stalled"] = 0
    code = abi.wait_next_feed(engine["roi"], engine["backtest"], timeout_ns)
    engine["return_code"] = code
    if code > ORDER_RESPONSE or code < OK:
        session["stop_detail"] = code
        return _ENGINE_ERROR
    now_ns = abi.current_timestamp(engine["roi"], engine["backtest"])
    if now_ns != _INT64_MAX:
        session["now_ns"] = now_ns
    if engine["depth"] == 0:
        for instrument in range(len(venue)):
            venue[instrument]["depth"] = abi.depth_address(engine["roi"], engine["backtest"], instrument)
            venue[instrument]["orders"] = abi.orders_address(engine["roi"], engine["backtest"], instrument)
    return _END if code == END_OF_DATA else _RUNNING


@kernel
def observe(venue: Records, state: State) -> int:
    """Bring the facts of the block into the core: book, trades, order reports."""
    code = venue[0]["return_code"]
    session = state.session[0]
    session["feed_changed"] = 0 if code == OK else 1
    if code == OK:
        book.clear_block(state)
        return _RUNNING
    for instrument in range(len(venue)):
        fault = _observe_book(venue[instrument], state, instrument)
        if fault:
            return fault
        if session["trades_capacity"]:
            _observe_trades(venue[instrument], state, instrument)
        if session["book_levels"]:
            _observe_levels(venue[instrument], state, instrument)
    # a feed code cannot hide an order response of the same asset, but it can one of a lower asset
    fault = _RUNNING
    if session["live_count"] and (code != 2 or len(venue) > 1):
        fault = _observe_orders(venue, state)
    if code == END_OF_DATA:
        _set_clock_of_the_last_block(venue, state)
    return fault


@kernel
def _set_clock_of_the_last_block(venue: Records, state: State) -> None:
    """Set now_ns by what the last block brought: the engine's clock stays at the block before it."""
    session = state.session[0]
    for instrument in range(len(venue)):
        session["now_ns"] = max(session["now_ns"], state.books[instrument]["ts_local_ns"])
    for index in range(session["report_count"]):
        report = state.reports[index]
        arrived_ns = report["ts_exch_ns"] + venue[report["instrument"]]["response_ns"]
        session["now_ns"] = max(session["now_ns"], arrived_ns)


@kernel
def dispatch(venue: Records, state: State) -> int:
    """Hand the commands to the engine. The gate never lets anything through that the engine must refuse."""
    session = state.session[0]
    for index in range(session["command_count"]):
        command = state.commands[index]
        engine = venue[command["instrument"]]
        code = 0
        if command["kind"] == _SEND_NEW:
            code = abi.submit(
                engine["roi"],
                engine["backtest"],
                command["instrument"],
                command["side"],
                command["order_id"],
                command["price_ticks"] * engine["tick_size"],
                _qty_of_lots(engine, command["qty_lots"]),
                command["tif"],  # TimeInForce has the engine's numbers (checked in assets.py)
                0,  # always a limit order: see core/normalize.py
            )
        elif command["kind"] == _SEND_CANCEL:
            code = abi.cancel(engine["roi"], engine["backtest"], command["instrument"], command["order_id"])
        # a QUERY needs nothing here: the engine loses no report, so the answer is on its way
        if code != 0:
            session["stop_detail"] = code
            session["stop_order_id"] = command["order_id"]
            return _COMMAND_REFUSED
    session["command_count"] = 0
    return _RUNNING


@kernel
def close(venue: Records) -> None:
    """Free the engine; the records forget its address."""
    if venue[0]["backtest"]:
        abi.close(venue[0]["roi"], venue[0]["backtest"])
    for instrument in range(len(venue)):
        venue[instrument]["backtest"] = 0


@kernel
def _qty_of_lots(engine: np.void, lots: int) -> float:
    """Return the engine's quantity of an order.

    Under partial fills the engine dies when a fill exhausts an order exactly (upstream #301, #312), so an order is
    shaded by a millionth of a lot: then a fill never equals the remainder, and rounding gives whole lots back. Not
    under no-partial fills, where the engine books the shaded quantity.
    """
    if engine["partial_fill"]:
        return (lots - SHADE_LOTS) * engine["lot_size"]
    return lots * engine["lot_size"]


@kernel
def _lots(engine: np.void, qty: float) -> int:
    return int(qty * engine["lots_per_unit"] + 0.5)


@kernel
def _observe_book(engine: np.void, state: State, instrument: int) -> int:
    record = state.instruments[instrument]
    bid_ticks = abi.best_bid_ticks(engine["roi"], engine["depth"])
    ask_ticks = abi.best_ask_ticks(engine["roi"], engine["depth"])
    bid_lots, ask_lots = 0, 0
    if record["book_min_ticks"] <= bid_ticks <= record["book_max_ticks"]:
        bid_lots = _lots(engine, abi.best_bid_qty(engine["roi"], engine["depth"]))
    else:
        bid_ticks = 0
    if record["book_min_ticks"] <= ask_ticks <= record["book_max_ticks"]:
        ask_lots = _lots(engine, abi.best_ask_qty(engine["roi"], engine["depth"]))
    else:
        ask_ticks = 0
    if (
        engine["roi"]
        and (bid_ticks == 0 or ask_ticks == 0)
        and _left_the_range(state, instrument, bid_ticks, ask_ticks)
    ):
        state.session[0]["stop_detail"] = instrument
        return _BOOK_OUT_OF_RANGE
    book.set_touch(state, instrument, bid_ticks, ask_ticks, bid_lots, ask_lots)
    scratch = abi.address_of(engine["scratch"])
    if abi.feed_latency(engine["roi"], engine["backtest"], instrument, scratch, scratch + 8) & 1:
        state.books[instrument]["ts_exch_ns"] = engine["scratch"][0]
        state.books[instrument]["ts_local_ns"] = engine["scratch"][1]
    return _RUNNING


@kernel
def _left_the_range(state: State, instrument: int, bid_ticks: int, ask_ticks: int) -> bool:
    """Tell whether a side is missing because the market went where the ROI depth cannot see it.

    Then the last mark lies in the outer eighth of the range, on that side; anywhere else the side is simply empty.
    """
    record, mark = state.instruments[instrument], state.books[instrument]["mark_halfticks"] // 2
    margin = (record["book_max_ticks"] - record["book_min_ticks"]) // 8
    if mark == 0:
        return False
    return bool(
        (ask_ticks == 0 and mark >= record["book_max_ticks"] - margin)
        or (bid_ticks == 0 and mark <= record["book_min_ticks"] + margin)
    )


@kernel
def _observe_levels(engine: np.void, state: State, instrument: int) -> None:
    """Copy book_levels ticks per side, from the touch outwards; an empty tick has quantity 0."""
    count, touch = state.session[0]["book_levels"], state.books[instrument]
    first = instrument * 2 * count
    for index in range(count):
        bid, ask = state.levels[first + index], state.levels[first + count + index]
        bid["price_ticks"] = touch["bid_ticks"] - index if touch["bid_ticks"] else 0
        ask["price_ticks"] = touch["ask_ticks"] + index if touch["ask_ticks"] else 0
        bid["qty_lots"] = 0
        ask["qty_lots"] = 0
        if bid["price_ticks"] >= state.instruments[instrument]["book_min_ticks"]:
            bid["qty_lots"] = _lots(
                engine, abi.bid_qty_at(engine["roi"], engine["depth"], bid["price_ticks"])
            )
        if 0 < ask["price_ticks"] <= state.instruments[instrument]["book_max_ticks"]:
            ask["qty_lots"] = _lots(
                engine, abi.ask_qty_at(engine["roi"], engine["depth"], ask["price_ticks"])
            )


@kernel
def _observe_trades(engine: np.void, state: State, instrument: int) -> None:
    """Copy the block's market trades (the first trades_capacity of all instruments); the engine forgets them."""
    taken = 0
    for before in range(instrument):
        taken += state.books[before]["trade_count"]
    address_of_length = abi.address_of(engine["scratch"])
    rows = abi.last_trades(engine["roi"], engine["backtest"], instrument, address_of_length)
    count = min(engine["scratch"][0], state.session[0]["trades_capacity"] - taken)
    for index in range(count):
        row, trade = rows + index * EVENT_BYTES, state.trades[taken + index]
        trade["side"] = 1 if abi.load_i64(row) & _BUY_EVENT else -1
        trade["ts_exch_ns"] = abi.load_i64(row + 8)
        trade["ts_local_ns"] = abi.load_i64(row + 16)
        trade["price_ticks"] = int(abi.load_f64(row + 24) / engine["tick_size"] + 0.5)
        trade["qty_lots"] = _lots(engine, abi.load_f64(row + 32))
    state.books[instrument]["trade_count"] = count
    if engine["scratch"][0]:
        abi.clear_last_trades(engine["roi"], engine["backtest"], instrument)


@kernel
def _observe_orders(venue: Records, state: State) -> int:
    """Compare every live order with what was last seen there; differences become reports, in ascending order id."""
    session = state.session[0]
    ended = 0
    row = session["live_head"]
    while row >= 0:
        order = state.orders[row]
        engine = venue[order["instrument"]]
        address = abi.orders_get(engine["orders"], order["order_id"])
        if address == 0:
            session["stop_detail"] = 12
            session["stop_order_id"] = order["order_id"]
            return _ENGINE_ERROR
        if abi.load_i64(address + _EXCH_TIMESTAMP) != order["venue_ts_ns"] or (
            order["venue_request"] != 0 and abi.load_u8(address + _REQ) == _NONE
        ):
            fault = _observe_order(engine, state, row, address)
            if fault:
                session["stop_order_id"] = order["order_id"]
                return fault
            status = abi.load_u8(address + _STATUS)
            if status == _FILLED or status == _CANCELED or status == _EXPIRED:
                ended += 1
        row = order["next_row"]
    if ended:  # or ids and memory pile up
        for instrument in range(len(venue)):
            abi.clear_inactive_orders(venue[0]["roi"], venue[0]["backtest"], instrument)
    return _RUNNING


@kernel
def _observe_order(engine: np.void, state: State, row: int, address: int) -> int:
    """Decode an order: leaves fell -> fill; venue time moved -> ack or end, by status; neither -> request failed."""
    order = state.orders[row]
    status = abi.load_u8(address + _STATUS)
    ts_exch_ns = abi.load_i64(address + _EXCH_TIMESTAMP)
    moved = ts_exch_ns != order["venue_ts_ns"]
    answered = abi.load_u8(address + _REQ) == _NONE
    leaves_lots = 0 if status == _FILLED else _lots(engine, abi.load_f64(address + _LEAVES_QTY))
    if leaves_lots < order["venue_leaves_lots"]:
        fault = _report_fill(engine, state, row, address, order["venue_leaves_lots"] - leaves_lots)
        if fault:
            return fault
    was_new = order["venue_ts_ns"] == 0
    if status == _CANCELED:
        _report(state, row, _REPORT_CANCELED, ts_exch_ns)
    elif status == _EXPIRED:
        _report(state, row, _REPORT_EXPIRED if moved else _REPORT_REJECTED, ts_exch_ns)
    elif moved and was_new and status == _NEW:
        _report(state, row, _ACK, ts_exch_ns)
    elif not moved and order["venue_request"] == _P_CANCEL and answered:
        _report(state, row, _REPORT_CANCEL_REJECTED, ts_exch_ns)
    order["venue_ts_ns"] = ts_exch_ns
    order["venue_leaves_lots"] = leaves_lots
    if answered:
        order["venue_request"] = 0
    return _RUNNING


@kernel
def _report(state: State, row: int, kind: int, ts_exch_ns: int) -> int:
    """Append a report about an order and return its index."""
    session, order = state.session[0], state.orders[row]
    index = session["report_count"]
    session["report_count"] = index + 1
    report = state.reports[index]
    report["kind"] = kind
    report["order_id"] = order["order_id"]
    report["instrument"] = order["instrument"]
    report["side"] = order["side"]
    report["last_lots"] = 0
    report["last_ticks"] = 0
    report["ts_exch_ns"] = ts_exch_ns
    report["flags"] = 0
    report["code"] = 0
    return int(index)


@kernel
def _report_fill(engine: np.void, state: State, row: int, address: int, lots: int) -> int:
    """Report a fill. Of a taker's sweep only the last level is visible: the rest is priced from the local book."""
    ts_exch_ns = abi.load_i64(address + _EXCH_TIMESTAMP)
    last_ticks = abi.load_i64(address + _EXEC_PRICE_TICK)
    maker = abi.load_u8(address + _MAKER_OFFSET)
    record = state.instruments[state.orders[row]["instrument"]]
    if not record["book_min_ticks"] <= last_ticks <= record["book_max_ticks"]:
        state.session[0]["stop_detail"] = last_ticks
        return _BAD_FILL_PRICE
    rest = 0
    if engine["partial_fill"] and not maker:
        rest = max(0, lots - _lots(engine, abi.load_f64(address + _EXEC_QTY)))
        if rest > 0:
            _report_sweep(engine, state, row, ts_exch_ns, last_ticks, rest)
    report = state.reports[_report(state, row, _FILL, ts_exch_ns)]
    report["last_ticks"] = last_ticks
    report["last_lots"] = lots - rest
    report["flags"] = _MAKER if maker else 0
    return _RUNNING


@kernel
def _report_sweep(
    engine: np.void, state: State, row: int, ts_exch_ns: int, last_ticks: int, lots: int
) -> None:
    """Report the unseen part of a sweep as estimated fills: down the local book, bounded by the last price."""
    order = state.orders[row]
    touch, side = state.books[order["instrument"]], order["side"]
    price_ticks = touch["ask_ticks"] if side > 0 else touch["bid_ticks"]
    rest = lots
    for _ in range(SWEEP_LEVELS_MAX):
        full = 2 * state.session[0]["report_count"] > len(
            state.reports
        )  # the rest then counts at the last price
        if rest == 0 or full or price_ticks <= 0 or side * (last_ticks - price_ticks) <= 0:
            break
        if side > 0:
            there = _lots(engine, abi.ask_qty_at(engine["roi"], engine["depth"], price_ticks))
        else:
            there = _lots(engine, abi.bid_qty_at(engine["roi"], engine["depth"], price_ticks))
        if there > 0:
            _report_estimate(state, row, ts_exch_ns, price_ticks, min(there, rest))
            rest -= min(there, rest)
        price_ticks += side
    if rest > 0:
        _report_estimate(state, row, ts_exch_ns, last_ticks, rest)


@kernel
def _report_estimate(state: State, row: int, ts_exch_ns: int, price_ticks: int, lots: int) -> None:
    report = state.reports[_report(state, row, _FILL, ts_exch_ns)]
    report["last_ticks"] = price_ticks
    report["last_lots"] = lots
    report["flags"] = _ESTIMATED
