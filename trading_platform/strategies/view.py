"""What an interpreted strategy sees and asks: properties over the arrays of the core, no copies, no kernel calls.

Integers are read through memoryviews: a plain int in 30 ns, where a numpy field access costs 100.
"""

from struct import Struct
from struct import error as PackError
from typing import Final, NamedTuple

import numpy as np

from ..core.bars.records import BAR, BUILDER
from ..core.state import State
from ..model.enums import IntentKind, OrderType, Pending, TimeInForce
from ..model.records import (
    BOOK,
    INTENT,
    LEVEL,
    LOSS,
    ORDER,
    POSITION,
    SESSION,
    SLOT,
    TRADE,
    Records,
    field_word,
)

_BUY: Final = 1
_GTC: Final = int(TimeInForce.GTC)
_IOC: Final = int(TimeInForce.IOC)
_LIMIT: Final = int(OrderType.LIMIT)
_MARKET: Final = int(OrderType.MARKET)
_QUOTE: Final = int(IntentKind.QUOTE)
_NEW: Final = int(IntentKind.NEW)
_REPLACE: Final = int(IntentKind.REPLACE)
_CANCEL: Final = int(IntentKind.CANCEL)


def _ints(array: Records) -> memoryview:
    return array.view(np.int64).reshape(-1).data


class Level(NamedTuple):
    """One tick of the book."""

    price_ticks: int
    qty_lots: int


class Trade(NamedTuple):
    """One trade of the market; side is the taker's."""

    price_ticks: int
    qty_lots: int
    side: int
    ts_exch_ns: int
    ts_local_ns: int


class Bar(NamedTuple):
    """A closed bar: the fields of core.bars.records.BAR, where each is told."""

    kind: int
    reason: int
    number: int
    start_ns: int
    end_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    buy_lots: int
    sell_lots: int
    notional_ticklots: int
    trades: int
    buy_trades: int
    open_mid_halfticks: int
    close_mid_halfticks: int
    spread_sum_ticks: int
    quoted_trades: int
    first_trade: int
    last_trade: int
    bricks: int
    level_ticks: int

    @property
    def vwap_ticks(self) -> float:
        """Volume-weighted average price [ticks]."""
        return self.notional_ticklots / self.volume_lots


assert Bar._fields == BAR.names


class Order(NamedTuple):
    """The order that answers for a slot."""

    order_id: int
    side: int
    price_ticks: int
    order_lots: int
    cum_lots: int
    leaves_lots: int
    status: int
    pending: Pending


class View:
    """Read the market and our state, ask for orders. Valid while the strategy is being called.

    ``book_levels`` is how many ticks of each side of the book are there.
    ``instrument`` is an index, 0 if there is one; ``side`` +1 or -1; ``level`` names the slot on that side.
    """

    def __init__(self, state: State) -> None:
        self._state = state  # the arrays behind the memory views
        self._session = _ints(state.session)
        self._books = _ints(state.books)
        self._positions = _ints(state.positions)
        self._slots = _ints(state.slots)
        self._orders = _ints(state.orders)
        self._levels = _ints(state.levels)
        self._trades = _ints(state.trades)
        self._losses = _ints(state.losses)
        self._bar_series = _ints(state.bar_series)
        self._bars = _ints(state.bars)
        self._bar_series_count = int(state.session[0]["bar_series_count"])
        self._intents = state.intents.view(np.uint8).data
        self._pack_intent = Struct(f"{len(INTENT.names or ())}q").pack_into
        self._intents_max = len(state.intents)
        self._slot_of = _Slots(len(state.books), int(state.session[0]["levels_per_side"]))
        self.book_levels = int(state.session[0]["book_levels"])
        self._count = field_word(SESSION, "intent_count")
        self._now = field_word(SESSION, "now_ns")
        self._reason = field_word(SESSION, "wake_reason")
        self._book_size, self._position_size = BOOK.itemsize // 8, POSITION.itemsize // 8
        self._slot_size, self._order_size = SLOT.itemsize // 8, ORDER.itemsize // 8
        self._bid, self._ask = field_word(BOOK, "bid_ticks"), field_word(BOOK, "ask_ticks")
        self._row = field_word(SLOT, "order_row")

    # --- the market

    @property
    def now_ns(self) -> int:
        """Local clock [UTC ns]."""
        return self._session[self._now]

    @property
    def wake_reason(self) -> int:
        """Why the strategy is called: Wake bits."""
        return self._session[self._reason]

    def bid_ticks(self, instrument: int = 0) -> int:
        """Best bid [ticks]; 0 without one."""
        return self._books[instrument * self._book_size + self._bid]

    def ask_ticks(self, instrument: int = 0) -> int:
        """Best ask [ticks]; 0 without one."""
        return self._books[instrument * self._book_size + self._ask]

    def bid_lots(self, instrument: int = 0) -> int:
        """Quantity at the best bid [lots]."""
        return self._books[instrument * self._book_size + _BID_LOTS]

    def ask_lots(self, instrument: int = 0) -> int:
        """Quantity at the best ask [lots]."""
        return self._books[instrument * self._book_size + _ASK_LOTS]

    def mark_halfticks(self, instrument: int = 0) -> int:
        """Mid in half-ticks; the last one known while a side of the book is empty."""
        return self._books[instrument * self._book_size + _MARK]

    def levels(self, side: int, instrument: int = 0) -> list[Level]:
        """Return engine.book_levels ticks of one side of the book, from the touch outwards; empty ones have 0 lots."""
        first = (2 * instrument + (0 if side == _BUY else 1)) * self.book_levels
        places = range(first * _LEVEL_SIZE, (first + self.book_levels) * _LEVEL_SIZE, _LEVEL_SIZE)
        return [Level(self._levels[place], self._levels[place + 1]) for place in places]

    def level(self, side: int, index: int, instrument: int = 0) -> Level:
        """Return one tick of the book: ``index`` counts from the touch outwards, empty ones too; (0, 0) beyond."""
        if not 0 <= index < self.book_levels:
            return _NO_LEVEL
        place = ((2 * instrument + (0 if side == _BUY else 1)) * self.book_levels + index) * _LEVEL_SIZE
        return Level(self._levels[place], self._levels[place + 1])

    def trades(self, instrument: int = 0) -> list[Trade]:
        """Return the market trades of this block (at most engine.trades_capacity)."""
        first = sum(self._books[before * self._book_size + _TRADES] for before in range(instrument))
        count = self._books[instrument * self._book_size + _TRADES]
        places = range(first * _TRADE_SIZE, (first + count) * _TRADE_SIZE, _TRADE_SIZE)
        return [Trade(*self._trades[place : place + _TRADE_SIZE]) for place in places]

    def bar_count(self, series: int = 0) -> int:
        """Return how many bars of a series have closed; ``series`` counts the ones that ``bars`` declares."""
        if not 0 <= series < self._bar_series_count:
            raise IndexError(f"no series {series}: bars declares {self._bar_series_count}")
        return self._bar_series[series * _BUILDER_SIZE + _BAR_COUNT]

    def bar(self, back: int = 0, series: int = 0) -> Bar | None:
        """Return a closed bar: ``back`` 0 is the last one, 1 the one before; None beyond what is kept."""
        count, place = self.bar_count(series), series * _BUILDER_SIZE
        capacity = self._bar_series[place + _BAR_CAPACITY]
        if not 0 <= back < min(count, capacity):
            return None
        row = self._bar_series[place + _BAR_PLACE] + 1 + (count - 1 - back) % capacity
        return Bar(*self._bars[row * _BAR_SIZE : (row + 1) * _BAR_SIZE])

    # --- our state

    def position_lots(self, instrument: int = 0) -> int:
        """Net position [lots], negative when short."""
        return self._positions[instrument * self._position_size + _NET]

    def equity_money(self, instrument: int = 0) -> int:
        """Profit and loss since the start, fees included, at the mark [money]."""
        return self._losses[instrument * _LOSS_SIZE + _EQUITY]

    def halted(self, instrument: int = 0) -> bool:
        """Tell whether trading was stopped."""
        return self._losses[instrument * _LOSS_SIZE + _HALTED] != 0

    def is_busy(self, side: int, level: int, instrument: int = 0) -> bool:
        """Tell whether a slot has an order that may still trade, or an intent that waits."""
        place = self._slot_of[instrument, side, level] * self._slot_size
        return self._slots[place + self._row] >= 0 or self._slots[place + _HELD] != 0

    def order(self, side: int, level: int, instrument: int = 0) -> Order | None:
        """Return the order that answers for a slot, or None."""
        row = self._slots[self._slot_of[instrument, side, level] * self._slot_size + self._row]
        if row < 0:
            return None
        place = row * self._order_size
        orders = self._orders
        return Order(
            orders[place + _ORDER_ID],
            orders[place + _SIDE],
            orders[place + _PRICE],
            orders[place + _ORDER_LOTS],
            orders[place + _CUM_LOTS],
            orders[place + _LEAVES_LOTS],
            orders[place + _STATUS],
            _PENDINGS[orders[place + _PENDING]],
        )

    # --- wishes

    def quote(
        self,
        side: int,
        level: int,
        price_ticks: int,
        qty_lots: int,
        *,
        instrument: int = 0,
        tif: int = 1,
        tag: int = 0,
    ) -> None:
        """State the whole wish for a slot (qty_lots 0: nothing): see core.intents.quote. Post-only by default."""
        session, at = self._session, self._count  # what _append does, without the call: a fifth of the time
        count, slot = session[at], self._slot_of[instrument, side, level]
        if count < self._intents_max:
            try:
                self._pack_intent(
                    self._intents,
                    count * _INTENT_BYTES,
                    _QUOTE,
                    slot,
                    _LIMIT,
                    tif,
                    price_ticks,
                    qty_lots,
                    tag,
                )
            except PackError as error:
                fields = (_QUOTE, slot, _LIMIT, tif, price_ticks, qty_lots, tag)
                raise ValueError(_not_packed(fields)) from error
        session[at] = count + 1

    def new_order(
        self,
        side: int,
        level: int,
        price_ticks: int,
        qty_lots: int,
        *,
        instrument: int = 0,
        tif: int = _GTC,
        tag: int = 0,
    ) -> None:
        """Ask for a limit order in a free slot, good till canceled by default."""
        self._append(_NEW, self._slot_of[instrument, side, level], _LIMIT, tif, price_ticks, qty_lots, tag)

    def market_order(
        self, side: int, level: int, qty_lots: int, *, instrument: int = 0, tag: int = 0
    ) -> None:
        """Ask for a market order: sent as an IOC limit at the opposite touch plus the configured collar."""
        self._append(_NEW, self._slot_of[instrument, side, level], _MARKET, _IOC, 0, qty_lots, tag)

    def replace(
        self,
        side: int,
        level: int,
        price_ticks: int,
        qty_lots: int,
        *,
        instrument: int = 0,
        tif: int = _GTC,
        tag: int = 0,
    ) -> None:
        """Ask that the slot's order be replaced by one that is good till canceled by default."""
        self._append(
            _REPLACE, self._slot_of[instrument, side, level], _LIMIT, tif, price_ticks, qty_lots, tag
        )

    def cancel(self, side: int, level: int, *, instrument: int = 0, tag: int = 0) -> None:
        """Ask that the slot's order be canceled."""
        self._append(_CANCEL, self._slot_of[instrument, side, level], _LIMIT, 0, 0, 0, tag)

    def cancel_all(self, *, tag: int = 0) -> None:
        """Ask that every order be canceled and every waiting intent be dropped."""
        for index in self._slot_of.values():
            place = index * self._slot_size
            if self._slots[place + self._row] >= 0 or self._slots[place + _HELD]:
                self._append(_CANCEL, index, _LIMIT, 0, 0, 0, tag)

    def set_timer(self, at_ns: int) -> None:
        """Ask to be called at a time [UTC ns]; one timer, the last call wins. Needs Wake.TIMER."""
        self._session[_TIMER] = at_ns

    def _append(
        self, kind: int, slot: int, order_type: int, tif: int, price_ticks: int, qty_lots: int, tag: int
    ) -> None:
        session, at = self._session, self._count
        count = session[at]
        if count < self._intents_max:  # past the end it is only counted: the step stops the run
            place = count * _INTENT_BYTES
            try:
                self._pack_intent(
                    self._intents, place, kind, slot, order_type, tif, price_ticks, qty_lots, tag
                )
            except PackError as error:
                fields = (kind, slot, order_type, tif, price_ticks, qty_lots, tag)
                raise ValueError(_not_packed(fields)) from error
        session[at] = count + 1


class _Slots(dict[tuple[int, int, int], int]):
    """(instrument, side, level) -> index of the slot, in the order of indices: looked up faster than computed."""

    def __init__(self, instruments: int, levels: int) -> None:
        super().__init__(
            ((instrument, side, level), (instrument * levels + level) * 2 + (side < 0))
            for instrument in range(instruments)
            for level in range(levels)
            for side in (1, -1)
        )
        self._last_instrument, self._last_level = instruments - 1, levels - 1

    def __missing__(self, place: tuple[int, int, int]) -> int:
        instrument, side, level = place
        raise IndexError(
            f"no slot (instrument {instrument}, side {side}, level {level}): sides are 1 and -1, "
            f"levels 0 to {self._last_level}, instruments 0 to {self._last_instrument}"
        )


def _not_packed(fields: tuple[object, ...]) -> str:
    """Say which argument of a wish is no int64."""
    for name, value in zip(INTENT.names or (), fields, strict=True):
        if not isinstance(value, int | np.integer) or not -(1 << 63) <= int(value) < 1 << 63:
            return f"{name} must be a whole number of 64 bits, was {value!r}: round prices to ticks, quantities to lots"
    raise AssertionError(fields)


_INTENT_BYTES: Final = INTENT.itemsize
_BID_LOTS: Final = field_word(BOOK, "bid_lots")
_ASK_LOTS: Final = field_word(BOOK, "ask_lots")
_MARK: Final = field_word(BOOK, "mark_halfticks")
_TRADES: Final = field_word(BOOK, "trade_count")
_NET: Final = field_word(POSITION, "net_lots")
_EQUITY: Final = field_word(LOSS, "equity_money")
_HALTED: Final = field_word(LOSS, "halted")
_HELD: Final = field_word(SLOT, "held")
_TIMER: Final = field_word(SESSION, "timer_ns")
_LEVEL_SIZE: Final = LEVEL.itemsize // 8
_TRADE_SIZE: Final = TRADE.itemsize // 8
_LOSS_SIZE: Final = LOSS.itemsize // 8
_BAR_SIZE: Final = BAR.itemsize // 8
_BUILDER_SIZE: Final = BUILDER.itemsize // 8
_BAR_COUNT: Final = field_word(BUILDER, "bar_count")
_BAR_PLACE: Final = field_word(BUILDER, "place")
_BAR_CAPACITY: Final = field_word(BUILDER, "capacity")
_NO_LEVEL: Final = Level(0, 0)
_ORDER_ID: Final = field_word(ORDER, "order_id")
_SIDE: Final = field_word(ORDER, "side")
_PRICE: Final = field_word(ORDER, "price_ticks")
_ORDER_LOTS: Final = field_word(ORDER, "order_lots")
_CUM_LOTS: Final = field_word(ORDER, "cum_lots")
_LEAVES_LOTS: Final = field_word(ORDER, "leaves_lots")
_STATUS: Final = field_word(ORDER, "status")
_PENDING: Final = field_word(ORDER, "pending")
_PENDINGS: Final = tuple(Pending(bits) for bits in range(2 * max(Pending)))  # making one costs 0.5 us
