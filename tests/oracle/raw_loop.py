"""A second opinion: hftbacktest alone, with a maker written down from its rule.

Nothing of the core, the adapter or the compile policy is used, and nothing is compiled: the engine is driven through
the C functions as hftbacktest declares them, and its records are read in place.

The rule: one bid and one ask at the touch, post-only, decided at every wakeup (market data or order response). Per
side: without a live order a new one, with a working order away from the touch a replace. A replace is a cancel
and, when the cancel is acknowledged, a new order at the touch of that moment (``after_ack``), or both at once
(``at_once``). Wishes are served cancels and replaces first, then news, each in the order in which they arose. No
order is sent that would meet an own one of the other side, one with a cancel in flight included. A quote that was
filled in part stands as it is until the touch moves.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from hftbacktest import BacktestAsset, _hftbacktest, binding
from hftbacktest.order import CANCELED, EXPIRED, FILLED, GTX, LIMIT, NEW, PARTIALLY_FILLED
from hftbacktest.types import order_dtype, state_values_dtype

from trading_platform.backtest.io.market_data import load_market_data
from trading_platform.config.run import RunConfig
from trading_platform.venues.hftbacktest.adapter import SHADE_LOTS

from .builders import Events, Fill

FOREVER_NS: Final = 1 << 58
OK, END, FEED, RESPONSE = 0, 1, 2, 3
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
QUEUE_MODELS: Final = {  # names of our configuration -> names of the engine
    "risk_averse": "risk_adverse_queue_model",
    "log_prob": "log_prob_queue_model",
    "log_prob2": "log_prob_queue_model2",
    "power_prob": "power_prob_queue_model",
    "power_prob2": "power_prob_queue_model2",
    "power_prob3": "power_prob_queue_model3",
}


class Raw:
    """One asset on the engine. ``roi``: (lowest, highest price) of the vector book, else the hash map.

    The engine reads ``rows`` where they lie: they are kept as long as it is.
    """

    def __init__(
        self, asset: BacktestAsset, rows: Sequence[Events], roi: tuple[float, float] | None = None
    ) -> None:
        if roi is not None:
            asset = asset.roi_lb(roi[0]).roi_ub(roi[1])
        build = _hftbacktest.build_roivec_backtest if roi else _hftbacktest.build_hashmap_backtest
        self._kind = "roivec" if roi else "hashmap"
        self._keep = (asset, rows)
        self._engine: int = build([asset.data(list(rows))])
        self.now_ns = 0

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(binding, f"{self._kind}bt_{name}")(self._engine, *arguments)

    def _best(self, name: str) -> int:
        return int(getattr(binding, f"{self._kind}depth_best_{name}_tick")(self._call("depth", 0)))

    def wait(self, timeout_ns: int = FOREVER_NS) -> int:
        """Go to the next wakeup and return the engine's code."""
        code = int(self._call("wait_next_feed", True, timeout_ns))
        self.now_ns = int(self._call("current_timestamp"))
        return code

    def touch(self) -> tuple[int, int] | None:
        """Return best bid and ask [ticks], None while a side is empty."""
        bid, ask = self._best("bid"), self._best("ask")
        return None if bid == INT64_MIN or ask == INT64_MAX else (bid, ask)

    def best_qty(self, side: int) -> float:
        """Return the quantity at the best bid (+1) or the best ask (-1)."""
        name = "bid" if side > 0 else "ask"
        return float(getattr(binding, f"{self._kind}depth_best_{name}_qty")(self._call("depth", 0)))

    def order(self, order_id: int) -> np.void:
        """Return the engine's record of an order, in place."""
        address = binding.orders_get(self._call("orders", 0), order_id)
        buffer = (ctypes.c_char * order_dtype.itemsize).from_address(address)
        record: np.void = np.frombuffer(buffer, order_dtype)[0]
        return record

    def submit(self, side: int, order_id: int, price: float, qty: float, tif: int = GTX) -> int:
        """Submit a limit order and return the engine's code."""
        name = "submit_buy_order" if side > 0 else "submit_sell_order"
        return int(self._call(name, 0, order_id, price, qty, tif, LIMIT, False))

    def cancel(self, order_id: int) -> int:
        """Cancel an order and return the engine's code."""
        return int(self._call("cancel", 0, order_id, False))

    def forget_ended(self) -> None:
        """Let the engine drop orders that ended."""
        self._call("clear_inactive_orders", 0)

    def ledger(self) -> np.void:
        """Return a copy of the engine's own position, balance and fee."""
        return ledger_at(self._call("state_values", 0))

    def close(self) -> None:
        """Free the engine."""
        self._call("close")
        self._engine = 0


def ledger_at(address: int) -> np.void:
    """Return a copy of the engine's ledger at an address."""
    buffer = (ctypes.c_char * state_values_dtype.itemsize).from_address(address)
    record: np.void = np.frombuffer(buffer, state_values_dtype)[0].copy()
    return record


def leaves_of(order: np.void, lot_size: float) -> int:
    """Return what is left of an order of the engine [lots]."""
    return 0 if order["status"] == FILLED else round(float(order["leaves_qty"]) / lot_size)


@dataclass
class Quote:
    """One order of the maker."""

    order_id: int
    side: int
    price_ticks: int
    leaves_lots: int
    acked: bool = False
    canceling: bool = False


@dataclass
class Maker:
    """The rule, on one engine."""

    raw: Raw
    tick_size: float
    lot_size: float
    lots: int
    at_once: bool
    meets_own: bool = False  # True: leave out the rule on own orders of the other side
    shade_lots: float = 0.0  # what an order is sent short of
    fills: list[Fill] = field(default_factory=list)
    _live: dict[int, Quote] = field(default_factory=dict)
    _at: dict[int, Quote | None] = field(default_factory=lambda: {1: None, -1: None})
    _since: dict[int, int] = field(
        default_factory=lambda: {1: 0, -1: 0}
    )  # when the side's wish arose, 0 none
    _wishes: int = 0
    _ids: int = 0

    def run(self, blocks_max: int = 0) -> int:
        """Trade until the engine stops (or for a number of blocks) and return its last code."""
        blocks = 0
        while True:
            code = self.raw.wait()
            if code not in (OK, END, FEED, RESPONSE):
                return code
            self._hear()
            blocks += 1
            if code == END or blocks == blocks_max:
                return code
            touch = self.raw.touch()
            if touch is not None:
                self._decide({1: touch[0], -1: touch[1]})

    def _hear(self) -> None:
        ended = False
        for order_id in sorted(self._live):
            order, quote = self.raw.order(order_id), self._live[order_id]
            if order["status"] in (NEW, PARTIALLY_FILLED) and order["exch_timestamp"] > 0:
                quote.acked = True
            self._book(quote, order)
            if order["status"] not in (FILLED, CANCELED, EXPIRED):
                continue
            ended = True
            del self._live[order_id]
            if self._at[quote.side] is quote:
                self._at[quote.side] = None
                if order["status"] == FILLED:
                    self._since[quote.side] = 0  # what was to replace it has lost its reason
        if ended:
            self.raw.forget_ended()

    def _book(self, quote: Quote, order: np.void) -> None:
        """Book what the order has less to fill than before: of several fills in a block only the last is shown."""
        leaves_lots = leaves_of(order, self.lot_size)
        lots, quote.leaves_lots = quote.leaves_lots - leaves_lots, leaves_lots
        if lots:
            price_ticks = int(order["exec_price_tick"])
            self.fills.append(Fill(quote.order_id, self.raw.now_ns, price_ticks, lots, bool(order["maker"])))

    def _decide(self, touch_ticks: dict[int, int]) -> None:
        assert touch_ticks[1] < touch_ticks[-1], f"the book is crossed at {self.raw.now_ns} ns"
        for side in (1, -1):
            quote = self._at[side]
            if quote is not None and not quote.canceling and quote.price_ticks == touch_ticks[side]:
                self._since[side] = 0
            elif self._since[side] == 0:
                self._wishes += 1
                self._since[side] = self._wishes
        waiting = sorted((side for side in (1, -1) if self._since[side]), key=self._since.__getitem__)
        news = [side for side in waiting if self._at[side] is None]
        for side in waiting:
            if side not in news:
                self._replace(side, touch_ticks[side])
        for side in news:
            if not self._meets_own(side, touch_ticks[side]):
                self._submit(side, touch_ticks[side])
            self._since[side] = 0

    def _replace(self, side: int, price_ticks: int) -> None:
        quote = self._at[side]
        assert quote is not None
        if self.at_once and self._meets_own(side, price_ticks):
            self._since[side] = 0
        elif quote.acked and not quote.canceling:
            assert self.raw.cancel(quote.order_id) == OK
            quote.canceling = True
            if self.at_once:
                self._submit(side, price_ticks)
                self._since[side] = 0

    def _meets_own(self, side: int, price_ticks: int) -> bool:
        if self.meets_own:
            return False
        others = (quote for quote in self._live.values() if quote.side == -side)
        return any(side * (price_ticks - quote.price_ticks) >= 0 for quote in others)

    def _submit(self, side: int, price_ticks: int) -> None:
        self._ids += 1
        quote = self._at[side] = self._live[self._ids] = Quote(self._ids, side, price_ticks, self.lots)
        price, qty = price_ticks * self.tick_size, (self.lots - self.shade_lots) * self.lot_size
        assert self.raw.submit(side, quote.order_id, price, qty) == OK


def raw_engine(config: RunConfig) -> Raw:
    """Return an engine of its own, set up from the plain facts of a configuration."""
    data, instrument, engine = load_market_data(config), config.instrument, config.engine
    size = float(instrument.contract_size)
    asset = BacktestAsset().inverse_asset(size) if instrument.inverse else BacktestAsset().linear_asset(size)
    latencies_ns = engine.latency.constant_ns
    assert latencies_ns is not None
    asset = (
        asset.constant_order_latency(*latencies_ns)
        .trading_value_fee_model(float(instrument.maker_fee_rate), float(instrument.taker_fee_rate))
        .tick_size(float(instrument.tick_size))
        .lot_size(float(instrument.lot_size))
        .last_trades_capacity(0)
    )
    name, exponent = QUEUE_MODELS[engine.queue_model.kind], engine.queue_model.exponent
    asset = getattr(asset, name)(*([] if exponent is None else [float(exponent)]))
    partial = engine.exchange_model == "partial_fill"
    asset = asset.partial_fill_exchange() if partial else asset.no_partial_fill_exchange()
    roi = None
    if data.roi_ticks is not None:
        low, high = data.roi_ticks
        roi = (low * float(instrument.tick_size), high * float(instrument.tick_size))
    return Raw(asset, data.arrays, roi)


def shade_lots_of(config: RunConfig) -> float:
    """Return what orders have to be sent short of: see `test_partial_fills`."""
    return SHADE_LOTS if config.engine.exchange_model == "partial_fill" else 0.0


def raw_maker(config: RunConfig, lots: int, **options: Any) -> Maker:
    """Return the maker on an engine of its own."""
    at_once = config.engine.replace_policy == "at_once"
    sizes = (float(config.instrument.tick_size), float(config.instrument.lot_size))
    options = {"shade_lots": shade_lots_of(config)} | options
    return Maker(raw_engine(config), *sizes, lots, at_once, **options)
