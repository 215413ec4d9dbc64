"""A small market written by hand, the adapter over it, and a test that plays the strategy.

Times are milliseconds after the start, prices ticks, quantities lots. A row reaches us LOCAL_MS after it happened;
an order needs ENTRY_MS to the venue and its response RESPONSE_MS back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
from hftbacktest import BacktestAsset, _hftbacktest
from hftbacktest.types import (
    BUY_EVENT,
    DEPTH_CLEAR_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    event_dtype,
)

from trading_platform.core.state import State, new_state
from trading_platform.eventlog.schema import check_block
from trading_platform.model.enums import EventKind, ReplacePolicy, ReportKind, Stop, Wake
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import LIMITS, NEVER
from trading_platform.runner.loop import advance, begin, end, release
from trading_platform.strategies.view import View
from trading_platform.venues.hftbacktest.adapter import VENUE
from trading_platform.venues.hftbacktest.assets import AssetSpec, Engine, build_engine

Events = npt.NDArray[np.void]
MS: Final = 1_000_000
START_NS: Final = 1_723_075_200 * 10**9
LOCAL_MS, ENTRY_MS, RESPONSE_MS = 1, 5, 5
BUY, SELL = 1, -1
GTC, POST_ONLY, FOK, IOC = 0, 1, 2, 3
INSTRUMENT: Final = Instrument(
    name="UNIT",
    base_currency="BTC",
    quote_currency="USDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    contract_size=Decimal(1),
    inverse=False,
    maker_fee_rate=Decimal("-0.0001"),
    taker_fee_rate=Decimal("0.0005"),
)


@dataclass(frozen=True)
class Row:
    """One row of the feed: ``kind`` is one of the engine's event kinds."""

    at_ms: float
    kind: int
    side: int
    price_ticks: int
    qty_lots: int


def depth(at_ms: float, side: int, price_ticks: int, qty_lots: int) -> Row:
    """Return a level that has a new quantity; 0 removes it."""
    return Row(at_ms, DEPTH_EVENT, side, price_ticks, qty_lots)


def trade(at_ms: float, side: int, price_ticks: int, qty_lots: int) -> Row:
    """Return a trade of the market; ``side`` is the taker's."""
    return Row(at_ms, TRADE_EVENT, side, price_ticks, qty_lots)


def clear(at_ms: float, side: int, price_ticks: int) -> Row:
    """Return the removal of a side up to a price."""
    return Row(at_ms, DEPTH_CLEAR_EVENT, side, price_ticks, 0)


def book(at_ms: float, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> list[Row]:
    """Return the rows of levels (price, quantity) on both sides."""
    sides = ((BUY, bids), (SELL, asks))
    return [depth(at_ms, side, price, lots) for side, levels in sides for price, lots in levels]


def ticks_of_time(from_ms: int, to_ms: int, step_ms: int = 1) -> list[Row]:
    """Return rows that change nothing near the touch: a wakeup each."""
    return [depth(at_ms, BUY, 900, 1 + at_ms % 7) for at_ms in range(from_ms, to_ms, step_ms)]


def events_of(rows: Sequence[Row]) -> Events:
    """Return the feed as the engine reads it, in the order of time; trades before depth at one time."""
    ordered = sorted(rows, key=lambda row: (row.at_ms, row.kind != TRADE_EVENT))
    events = np.zeros(len(ordered), event_dtype)
    for event, row in zip(events, ordered, strict=True):
        side = BUY_EVENT if row.side > 0 else SELL_EVENT
        event["ev"] = row.kind | side | EXCH_EVENT | LOCAL_EVENT
        event["exch_ts"] = START_NS + round(row.at_ms * MS)
        event["local_ts"] = event["exch_ts"] + LOCAL_MS * MS
        event["px"] = row.price_ticks * float(INSTRUMENT.tick_size)
        event["qty"] = row.qty_lots * float(INSTRUMENT.lot_size)
    return events


def wide_state(
    *,
    policy: ReplacePolicy = ReplacePolicy.AFTER_ACK,
    sweeps: str = "estimate",
    book_levels: int = 0,
    trades_capacity: int = 0,
) -> State:
    """Return a state whose limits do not bind, and that wakes the strategy at everything."""
    state = new_state(levels_per_side=4, book_levels=book_levels, trades_capacity=trades_capacity)
    state.instruments[0] = INSTRUMENT.to_record(1, 100_000, sweeps)
    for name in LIMITS.names or ():
        state.limits[0][name] = NEVER
    state.limits[0]["order_notional_min"] = 0
    state.limits[0]["rolling_bucket_ns"] = 0
    state.limits[0]["post_only_mode"] = 0
    state.limits[0]["market_collar_e9"] = 10**7  # 1 %
    state.limits[0]["order_lots_max"] = 10**9
    state.session[0]["replace_policy"] = policy
    state.session[0]["wake_mask"] = int(Wake.FEED | Wake.ORDERS | Wake.START | Wake.TIMER | Wake.TRADES)
    return state


def _engine_with_latency(events: Events, latency: Events) -> Engine:
    """Return an engine with recorded order latencies: request, venue, response [ns]; a venue time of 0 is a reject."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .intp_order_latency(latency)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(float(INSTRUMENT.tick_size))
        .lot_size(float(INSTRUMENT.lot_size))
        .last_trades_capacity(0)
    )
    venue = np.zeros(1, VENUE)
    venue["backtest"] = _hftbacktest.build_hashmap_backtest([asset])
    venue["tick_size"], venue["lot_size"] = float(INSTRUMENT.tick_size), float(INSTRUMENT.lot_size)
    venue["lots_per_unit"] = float(1 / INSTRUMENT.lot_size)
    return Engine(venue, [asset, events, latency])


class Play:
    """The adapter and the core over a hand-made market; the test decides what is asked at which time."""

    def __init__(
        self,
        rows: Sequence[Row] | Events,
        *,
        partial: bool = False,
        latency: Events | None = None,
        range_ticks: tuple[int, int] = (1, 100_000),
        roi_ticks: tuple[int, int] | None = None,
        policy: ReplacePolicy = ReplacePolicy.AFTER_ACK,
        sweeps: str = "estimate",
        book_levels: int = 0,
        trades_capacity: int = 0,
    ) -> None:
        self.state = wide_state(
            policy=policy, sweeps=sweeps, book_levels=book_levels, trades_capacity=trades_capacity
        )
        low, high = roi_ticks or range_ticks
        self.state.instruments[0]["book_min_ticks"], self.state.instruments[0]["book_max_ticks"] = low, high
        events = rows if isinstance(rows, np.ndarray) else events_of(rows)
        spec = AssetSpec(
            instrument=INSTRUMENT,
            data=[events],
            snapshot=None,
            entry_ns=ENTRY_MS * MS,
            response_ns=RESPONSE_MS * MS,
            queue_model="risk_averse",
            queue_exponent=None,
            partial_fill=partial,
            roi_ticks=roi_ticks,
            trades_capacity=trades_capacity,
        )
        self.engine = build_engine([spec]) if latency is None else _engine_with_latency(events, latency)
        self.view = View(self.state)
        self.log: list[np.void] = []
        begin(self.state, 0)
        self._keep()

    @property
    def session(self) -> np.void:
        record: np.void = self.state.session[0]
        return record

    @property
    def at_ms(self) -> float:
        """Local time after the start [ms]."""
        return (int(self.session["now_ns"]) - START_NS) / MS

    def wake(self) -> Stop:
        """Go to the next call of the strategy and return why the loop stopped."""
        stop = Stop(int(advance(self.engine.venue, self.state)))
        self._keep()
        return stop

    def until(self, at_ms: float) -> None:
        """Go on until the local clock is there; the strategy asks for nothing meanwhile."""
        while self.session["now_ns"] < START_NS + round(at_ms * MS):
            assert self.wake() == Stop.WAKE, f"stopped at {self.at_ms} ms"

    def finish(self) -> Stop:
        """Go on to the end, free the engine and return the Stop."""
        stop = Stop.WAKE
        while stop == Stop.WAKE:
            stop = self.wake()
        self.close()
        return stop

    def close(self) -> None:
        end(self.state)
        self._keep()
        release(self.engine.venue)

    def _keep(self) -> None:
        count = int(self.session["event_count"])
        block = self.state.events[:count]
        last = (int(self.log[-1]["seq"]), int(self.log[-1]["now_ns"])) if self.log else (0, 0)
        check_block(block, *last)
        self.log += [event.copy() for event in block]
        block.view(np.uint8).fill(0)
        self.session["event_count"] = 0

    # --- what came of it

    def of(self, *kinds: EventKind) -> list[np.void]:
        """Return all events of some kinds."""
        return [event for event in self.log if event["kind"] in kinds]

    def story(self, order_id: int) -> list[tuple[str, float]]:
        """Return what the venue said about an order: (report, local time [ms])."""
        words = []
        for event in self.of(EventKind.STATUS, EventKind.FILL, EventKind.VENUE_REJECT):
            if event["order_id"] == order_id:
                kind = ReportKind.FILL if event["kind"] == EventKind.FILL else ReportKind(int(event["a"]))
                words.append((kind.name, (int(event["now_ns"]) - START_NS) / MS))
        return words

    def fills(self, order_id: int = 0) -> list[tuple[int, int, int]]:
        """Return (price [ticks], quantity [lots], flags) of the fills, of one order or of all."""
        return [
            (int(event["price_ticks"]), int(event["qty_lots"]), int(event["flags"]))
            for event in self.of(EventKind.FILL)
            if order_id in (0, event["order_id"])
        ]

    def order(self, order_id: int) -> np.void:
        row: np.void = self.state.orders[order_id & (len(self.state.orders) - 1)]
        assert row["order_id"] == order_id
        return row

    @property
    def net_lots(self) -> int:
        return int(self.state.positions[0]["net_lots"])
