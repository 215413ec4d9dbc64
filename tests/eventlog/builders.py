"""Small event logs with a plausible life, and a ledger of their own (fractions) to compare with."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from trading_platform.eventlog.schema import EventArray, belongs
from trading_platform.model.enums import (
    AnomalyCode,
    CommandKind,
    DenyCode,
    EventFlag,
    EventKind,
    HaltCode,
    HoldCode,
    IntentKind,
    OrderStatus,
    Pending,
    ReportKind,
    Side,
    TimeInForce,
)
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import EVENT, NO_SLOT

START_NS: Final = 1_723_075_200_000_000_000  # 2024-08-08T00:00:00Z
SECOND_NS: Final = 1_000_000_000
LINEAR: Final = Instrument(
    name="BTCUSDT",
    base_currency="BTC",
    quote_currency="USDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    contract_size=Decimal(1),
    inverse=False,
    maker_fee_rate=Decimal("-0.00005"),
    taker_fee_rate=Decimal("0.0007"),
)
INVERSE: Final = Instrument(
    name="BTCUSD_PERP",
    base_currency="BTC",
    quote_currency="USD",
    tick_size=Decimal("0.1"),
    lot_size=Decimal(1),
    contract_size=Decimal(100),
    inverse=True,
    maker_fee_rate=Decimal("0.0001"),
    taker_fee_rate=Decimal("0.0005"),
)


@dataclass
class Order:
    """What the builder remembers of an order."""

    order_id: int
    parent_order_id: int
    slot: int
    side: int
    tif: int
    price_ticks: int
    order_lots: int
    tag: int
    cum_lots: int = 0
    status: OrderStatus = OrderStatus.PENDING_NEW
    pending: Pending = Pending.NEW
    last_seq: int = 0


class Life:
    """Appends events in the order a session writes them."""

    def __init__(self, instrument: Instrument = LINEAR, start_ns: int = START_NS) -> None:
        self.instrument = instrument
        self.now_ns = start_ns
        self.net_lots = 0
        self.cash_ticklots = 0
        self.cash_money = 0
        self.fee_money = 0
        self.peak_money = 0
        self._order_id = 0
        self._records: list[np.ndarray] = []

    def events(self) -> EventArray:
        """Return all events so far."""
        return np.concatenate(self._records) if self._records else np.empty(0, EVENT)

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)

    def add(self, kind: EventKind, cause_seq: int = 0, **fields: int) -> int:
        """Append one event and return its seq. Only fields that belong to the kind may be named."""
        record = np.zeros(1, EVENT)
        record["seq"] = len(self._records) + 1
        record["kind"], record["cause_seq"], record["now_ns"] = kind, cause_seq, self.now_ns
        record["slot"] = 0 if belongs(kind, "slot") else NO_SLOT
        for name, value in fields.items():
            assert belongs(kind, name), f"{name} does not belong to {kind.name}"
            record[name] = value
        self._records.append(record)
        return len(self._records)

    # what a session does

    def opening(self) -> int:
        return self.add(EventKind.OPENING, **self._ledger())

    def intent(
        self, kind: IntentKind, slot: int, side: Side, price_ticks: int, lots: int, **more: int
    ) -> int:
        return self.add(
            EventKind.INTENT,
            slot=slot,
            side=side,
            tif=TimeInForce.POST_ONLY,
            price_ticks=price_ticks,
            qty_lots=lots,
            a=kind,
            **more,
        )

    def order(
        self, side: Side, price_ticks: int, lots: int, *, slot: int = 0, tag: int = 0, replaces: int = 0
    ) -> Order:
        """A quote: INTENT, then SENT."""
        cause = self.intent(IntentKind.QUOTE, slot, side, price_ticks, lots, tag=tag, flags=EventFlag.QUOTED)
        self._order_id += 1
        tif = TimeInForce.POST_ONLY
        order = Order(self._order_id, replaces, slot, side, tif, price_ticks, lots, tag)
        self._of_order(
            EventKind.SENT,
            order,
            cause,
            OrderStatus.PENDING_NEW,
            Pending.NEW,
            pending_from=Pending.NONE,
            a=CommandKind.NEW,
        )
        return order

    def ack(self, order: Order) -> int:
        pending = order.pending & ~Pending.NEW
        return self._report(order, ReportKind.ACK, OrderStatus.WORKING, pending)

    def request_cancel(self, order: Order, cause_seq: int = 0) -> int:
        """INTENT and SENT, or SENT alone if something else caused it."""
        cause = cause_seq or self.intent(
            IntentKind.CANCEL, order.slot, Side(order.side), 0, 0, ref=order.order_id
        )
        pending = order.pending | Pending.CANCEL
        return self._of_order(EventKind.SENT, order, cause, order.status, pending, a=CommandKind.CANCEL)

    def canceled(self, order: Order) -> int:
        return self._report(order, ReportKind.CANCELED, OrderStatus.CANCELED, Pending.NONE)

    def expired(self, order: Order) -> int:
        return self._report(order, ReportKind.EXPIRED, OrderStatus.EXPIRED, Pending.NONE)

    def rejected(self, order: Order, code: int = 7) -> int:
        """The venue refused the new order."""
        return self._of_order(
            EventKind.VENUE_REJECT,
            order,
            order.last_seq,
            OrderStatus.REJECTED,
            Pending.NONE,
            a=ReportKind.REJECTED,
            code=code,
        )

    def cancel_rejected(self, order: Order, code: int = 9) -> int:
        return self._of_order(
            EventKind.VENUE_REJECT,
            order,
            order.last_seq,
            order.status,
            order.pending & ~Pending.CANCEL,
            a=ReportKind.CANCEL_REJECTED,
            code=code,
        )

    def replaced(self, order: Order) -> int:
        return self._of_order(EventKind.REPLACED, order, order.last_seq, order.status, order.pending)

    def fill(self, order: Order, lots: int, price_ticks: int = 0, flags: EventFlag = EventFlag.MAKER) -> int:
        """FILL alone: the POSITION of the block comes from `position`."""
        price = price_ticks or order.price_ticks
        order.cum_lots += lots
        leaves = order.order_lots - order.cum_lots
        fee = self.book(order.side, lots, price, bool(flags & EventFlag.MAKER))
        status = order.status
        if leaves == 0:
            status = OrderStatus.FILLED
        elif status in (OrderStatus.PENDING_NEW, OrderStatus.WORKING):
            status = OrderStatus.PARTIALLY_FILLED
        pending = Pending.NONE if leaves == 0 else order.pending & ~Pending.NEW
        return self._of_order(
            EventKind.FILL,
            order,
            order.last_seq,
            status,
            pending,
            price_ticks=price,
            qty_lots=lots,
            a=fee,
            b=order.cum_lots,
            c=self.net_lots,
            flags=flags,
            ts_exch_ns=self.now_ns - 1000,
        )

    def position(self) -> int:
        return self.add(EventKind.POSITION, len(self._records), **self._ledger())

    def pnl(self, mark_halfticks: int) -> int:
        equity = self.equity_money(mark_halfticks)
        self.peak_money = max(self.peak_money, equity)
        return self.add(
            EventKind.PNL,
            qty_lots=self.net_lots,
            a=equity,
            b=mark_halfticks,
            c=self.peak_money - equity,
        )

    # its ledger

    def value_money(self, lots: int, halfticks: int) -> int:
        lot = Fraction(self.instrument.lot_size) * Fraction(self.instrument.contract_size)
        price = Fraction(self.instrument.tick_size) * halfticks / 2
        value = lots * lot / price if self.instrument.inverse else lots * lot * price
        return round(value / self.instrument.money_unit)

    def book(self, side: int, lots: int, price_ticks: int, maker: bool) -> int:
        value = self.value_money(lots, 2 * price_ticks)
        rate = self.instrument.maker_fee_rate if maker else self.instrument.taker_fee_rate
        fee = round(value * Fraction(rate))
        self.net_lots += side * lots
        self.fee_money += fee
        if self.instrument.inverse:
            self.cash_money += side * value
        else:
            self.cash_ticklots -= side * lots * price_ticks
        return fee

    def equity_money(self, mark_halfticks: int) -> int:
        if self.instrument.inverse:
            worth = self.value_money(self.net_lots, mark_halfticks) if self.net_lots else 0
            return self.cash_money - worth - self.fee_money
        halfticklots = 2 * self.cash_ticklots + self.net_lots * mark_halfticks
        return int(halfticklots * self.instrument.money_per_halfticklot) - self.fee_money

    def _ledger(self) -> dict[str, int]:
        return {
            "qty_lots": self.net_lots,
            "a": self.cash_ticklots,
            "b": self.cash_money,
            "c": self.fee_money,
        }

    def _report(self, order: Order, report: ReportKind, status: OrderStatus, pending: Pending) -> int:
        exch_ns = self.now_ns - 1000
        return self._of_order(
            EventKind.STATUS, order, order.last_seq, status, pending, a=report, ts_exch_ns=exch_ns
        )

    def _of_order(
        self,
        kind: EventKind,
        order: Order,
        cause_seq: int,
        status: OrderStatus,
        pending: Pending,
        **fields: int,
    ) -> int:
        values = {
            "slot": order.slot,
            "tag": order.tag,
            "order_id": order.order_id,
            "parent_order_id": order.parent_order_id,
            "side": order.side,
            "tif": order.tif,
            "price_ticks": order.price_ticks,
            "qty_lots": order.order_lots,
            "leaves_lots": order.order_lots - order.cum_lots,
            "status_from": order.status,
            "status_to": status,
            "pending_from": order.pending,
            "pending_to": pending,
        }
        order.status, order.pending = status, pending
        order.last_seq = self.add(kind, cause_seq, **(values | fields))
        return order.last_seq


def every_kind(instrument: Instrument = LINEAR) -> Life:
    """A short session in which every kind that is written occurs at least once."""
    life = Life(instrument)
    life.opening()
    life.add(EventKind.TOUCH, price_ticks=617_000, qty_lots=5, a=617_001, b=7, ts_exch_ns=life.now_ns - 9)
    life.pnl(1_234_001)
    first = life.order(Side.BUY, 617_000, 10, slot=0, tag=3)
    life.wait(0.4)
    life.ack(first)
    life.fill(first, 4)
    life.position()
    life.wait(0.7)
    life.pnl(1_234_003)
    intent = life.intent(IntentKind.REPLACE, 0, Side.BUY, 616_990, 10, ref=first.order_id)
    life.add(EventKind.QUEUED, intent, side=1, price_ticks=616_990, qty_lots=10, code=HoldCode.IN_FLIGHT)
    life.request_cancel(first, intent)
    life.wait(0.2)
    life.canceled(first)
    second = life.order(Side.BUY, 616_990, 10, slot=0, replaces=first.order_id)
    life.wait(0.1)
    life.ack(second)
    life.replaced(second)
    life.request_cancel(second)
    life.cancel_rejected(second)
    denied = {"slot": 1, "side": -1, "price_ticks": 617_002, "qty_lots": 99, "code": DenyCode.POSITION}
    first_denial = life.add(EventKind.DENIED, intent, **denied, a=109, b=100, c=-9)
    life.add(EventKind.DENIED, first_denial, **denied, c=41, flags=EventFlag.COALESCED)
    life.add(EventKind.DEQUEUED, intent, slot=1, side=-1, qty_lots=99, code=HoldCode.DROPPED)
    life.wait(1)
    third = life.order(Side.SELL, 617_010, 3, slot=1)
    life.expired(third)
    fourth = life.order(Side.SELL, 617_011, 3, slot=1)
    life.add(EventKind.CONNECTION, code=1, a=life.now_ns)
    life.add(EventKind.QUERY, fourth.last_seq, order_id=fourth.order_id, a=life.now_ns, side=-1)
    life.rejected(fourth)
    life.fill(second, 10, flags=EventFlag.ESTIMATED)
    life.position()
    life.fill(first, 2, flags=EventFlag.MAKER | EventFlag.LATE)
    life.position()
    life.add(EventKind.TIMER, a=life.now_ns)
    anomaly = life.add(EventKind.ANOMALY, a=ReportKind.ACK, code=AnomalyCode.UNKNOWN_ORDER, slot=NO_SLOT)
    life.add(EventKind.HALT, anomaly, code=HaltCode.ANOMALY)
    life.wait(1)
    life.pnl(1_233_999)
    return life


def long_life(rounds: int, instrument: Instrument = LINEAR, seed: int = 1) -> Life:
    """Quotes around a random walk: orders are filled or canceled, equity is sampled every second."""
    random = np.random.default_rng(seed)
    life, mid_ticks = Life(instrument), 617_000
    life.opening()
    life.pnl(2 * mid_ticks)
    for _ in range(rounds):
        mid_ticks += int(random.integers(-5, 6))
        side = Side.BUY if random.random() < 0.5 else Side.SELL
        order = life.order(side, mid_ticks - side * 3, int(random.integers(1, 9)), slot=int(side < 0))
        life.wait(0.01)
        life.ack(order)
        if random.random() < 0.6:
            life.fill(order, order.order_lots)
            life.position()
        else:
            life.request_cancel(order)
            life.canceled(order)
        life.wait(0.99)
        life.pnl(2 * mid_ticks + int(random.integers(-1, 2)))
    return life
