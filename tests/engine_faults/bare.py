"""hftbacktest alone, on the hand-made markets of tests/venues/play.py: what it shows of an order, and when.

Nothing of the adapter or the core is used by `Bare`. The engine is driven through its C functions as hftbacktest
declares them, so the tests run alike compiled and with ``NUMBA_DISABLE_JIT=1``. Units are those of play.py:
milliseconds after the start, ticks, lots.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from hftbacktest import BacktestAsset, binding
from hftbacktest.order import FILLED, GTC, LIMIT, PARTIALLY_FILLED
from hftbacktest.types import order_dtype
from oracle.raw_loop import END, Raw
from venues.play import (
    BUY,
    ENTRY_MS,
    INSTRUMENT,
    LOCAL_MS,
    MS,
    RESPONSE_MS,
    START_NS,
    Events,
    Play,
    Row,
    book,
    events_of,
    ticks_of_time,
)

from trading_platform.model.enums import DenyCode, EventKind

TICK: Final = float(INSTRUMENT.tick_size)
LOT: Final = float(INSTRUMENT.lot_size)
SENT_MS: Final = 10 + LOCAL_MS  # when the first order of a test is sent: we see the row of 10 ms
ACK_MS: Final = SENT_MS + ENTRY_MS + RESPONSE_MS
REPLACED: Final = 7  # a request; the package has no name for it
FATAL_MIN: Final = 10  # codes below are no errors
BIDS: Final = ((1000, 50), (999, 80))
ASKS: Final = ((1002, 60), (1003, 90))
_FOREVER_MS: Final = 10**9


def market(*rows: Row, end_ms: int = 100) -> list[Row]:
    """Return a market of two levels a side and a wakeup every millisecond."""
    return [*book(0, BIDS, ASKS), *ticks_of_time(1, end_ms), *rows]


def lots_of(qty: float) -> int:
    """Return a quantity of the engine in lots."""
    return round(qty / LOT)


def asset_of(*, partial: bool = False, latency: Events | None = None) -> BacktestAsset:
    """Return an asset without rows, with the facts that `Play` gives the adapter."""
    asset = BacktestAsset().linear_asset(1.0).risk_adverse_queue_model().tick_size(TICK).lot_size(LOT)
    asset = asset.trading_value_fee_model(0.0, 0.0).last_trades_capacity(0)
    if latency is None:
        asset = asset.constant_order_latency(ENTRY_MS * MS, RESPONSE_MS * MS)
    else:
        asset = asset.intp_order_latency(latency)
    return asset.partial_fill_exchange() if partial else asset.no_partial_fill_exchange()


def record_at(address: int) -> np.void:
    """Return the engine's record of an order at an address, in place."""
    buffer = (ctypes.c_char * order_dtype.itemsize).from_address(address)
    record: np.void = np.frombuffer(buffer, order_dtype)[0]
    return record


class Bare(Raw):
    """One engine whose orders are looked at after every wakeup. ``more`` are files after the first.

    Attributes
    ----------
    seen : per order id, the pairs (status, request) that the local side showed, one after another
    execs : per order id, (exec price [ticks], exec quantity [lots]) as shown whenever the venue's time had moved
    last : per order id, a copy of its record as it was last seen
    """

    def __init__(
        self,
        rows: Sequence[Row] | Events,
        *,
        partial: bool = False,
        latency: Events | None = None,
        roi_ticks: tuple[int, int] | None = None,
        asset: BacktestAsset | None = None,
        more: Sequence[Events] = (),
    ) -> None:
        events = rows if isinstance(rows, np.ndarray) else events_of(rows)
        roi = None if roi_ticks is None else (roi_ticks[0] * TICK, roi_ticks[1] * TICK)
        super().__init__(asset or asset_of(partial=partial, latency=latency), [events, *more], roi)
        self._latency = latency  # the engine reads it where it lies
        self.seen: dict[int, list[tuple[int, int]]] = {}
        self.execs: dict[int, list[tuple[int, int]]] = {}
        self.last: dict[int, np.void] = {}

    @property
    def at_ms(self) -> float:
        """Local time after the start [ms]."""
        return (self.now_ns - START_NS) / MS

    @property
    def position_lots(self) -> int:
        """What the engine takes for our position."""
        return lots_of(float(self.ledger()["position"]))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a C function of this engine."""
        return self._call(name, *arguments)

    def of_book(self, name: str, *arguments: Any) -> Any:
        """Call a C function of the local book."""
        return getattr(binding, f"{self._kind}depth_{name}")(self.call("depth", 0), *arguments)

    def wait_ms(self, timeout_ms: float = _FOREVER_MS) -> int:
        """Go to the next wakeup, look at all orders, and return the engine's code."""
        code = self.wait(round(timeout_ms * MS))
        self._look()
        return code

    def until(self, at_ms: float) -> None:
        """Go on until the local clock is there, and no further."""
        if not self.now_ns:
            self.wait_ms(0)
        while (left_ns := START_NS + round(at_ms * MS) - self.now_ns) > 0:
            code = self.wait_ms(left_ns / MS)
            assert code != END, f"the data ended at {self.at_ms} ms"
            assert code < FATAL_MIN, f"code {code} at {self.at_ms} ms"

    def finish(self) -> int:
        """Go on to the end of the data or to a fatal code and return it; the engine stays open."""
        code = self.wait_ms()
        while code != END and code < FATAL_MIN:
            code = self.wait_ms()
        return code

    def send(
        self,
        side: int,
        order_id: int,
        price_ticks: float,
        lots: float,
        tif: int = GTC,
        order_type: int = LIMIT,
    ) -> int:
        """Submit an order and return the engine's code."""
        name = "submit_buy_order" if side > 0 else "submit_sell_order"
        code = int(self.call(name, 0, order_id, price_ticks * TICK, lots * LOT, tif, order_type, False))
        self._look()
        return code

    def modify(self, order_id: int, price_ticks: int, lots: int) -> int:
        """Ask for another price and quantity and return the engine's code."""
        code = int(self.call("modify", 0, order_id, price_ticks * TICK, lots * LOT, False))
        self._look()
        return code

    def cancel(self, order_id: int) -> int:
        """Cancel an order and return the engine's code."""
        code = super().cancel(order_id)
        self._look()
        return code

    def order_ids(self) -> list[int]:
        """Return the ids of the local orders in the order in which the engine iterates them."""
        found, values = [], binding.orders_values(self.call("orders", 0))
        while address := binding.orders_values_next(values):
            found.append(int(record_at(address)["order_id"]))
        return found

    def _look(self) -> None:
        for order_id in self.order_ids():
            order, before = self.order(order_id), self.last.get(order_id)
            pair = (int(order["status"]), int(order["req"]))
            assert pair[0] <= PARTIALLY_FILLED, "a status is never REJECTED or REPLACED"
            story = self.seen.setdefault(order_id, [])
            if not story or story[-1] != pair:
                story.append(pair)
            moved = before is not None and before["exch_timestamp"] != order["exch_timestamp"]
            if moved and pair[0] in (FILLED, PARTIALLY_FILLED):
                shown = (int(order["exec_price_tick"]), lots_of(float(order["exec_qty"])))
                self.execs.setdefault(order_id, []).append(shown)
            self.last[order_id] = order.copy()


def pair(
    *rows: Row,
    side: int = BUY,
    price: int = 1000,
    lots: int = 10,
    tif: int = GTC,
    partial: bool = False,
    latency: Events | None = None,
    **options: Any,
) -> tuple[Bare, Play]:
    """Return the bare engine and a session of ours on one market, where both have just sent the same order (id 1)."""
    bare = Bare(market(*rows), partial=partial, latency=latency)
    bare.until(SENT_MS)
    assert bare.send(side, 1, price, lots, tif) == 0
    play = Play(market(*rows), partial=partial, latency=latency, **options)
    play.until(SENT_MS)
    play.view.new_order(side, 0, price, lots, tif=tif)
    return bare, play


def denied(play: Play) -> list[DenyCode]:
    """Return why our gate denied what it denied, one after another."""
    return [DenyCode(int(event["code"])) for event in play.of(EventKind.DENIED)]
