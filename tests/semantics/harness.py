"""A session of the core with a hand-played venue: what a test of the semantics reads like.

Only the kernels fold, decide, finish and set_touch are called, so the same tests run compiled
and plain. Every
block that the core journals is checked against the rules of the event log at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from trading_platform.core import book, step
from trading_platform.core.state import new_state
from trading_platform.eventlog.schema import check_block
from trading_platform.model.enums import (
    CommandKind,
    DenyCode,
    EventFlag,
    EventKind,
    HoldCode,
    OrderStatus,
    Pending,
    ReplacePolicy,
    ReportKind,
    TimeInForce,
)
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import LIMITS, NEVER
from trading_platform.strategies.view import View

BUY: Final = 1
SELL: Final = -1
SECOND_NS: Final = 10**9
MILLI_NS: Final = 10**6
START_NS: Final = 1_723_075_200 * SECOND_NS  # 2024-08-08T00:00:00Z
TICK_MONEY: Final = 10**9  # one tick on one lot of LINEAR
GTC: Final = int(TimeInForce.GTC)
POST_ONLY: Final = int(TimeInForce.POST_ONLY)
IOC: Final = int(TimeInForce.IOC)

LINEAR: Final = Instrument(
    name="LINEAR",
    base_currency="BTC",
    quote_currency="USD",
    tick_size=Decimal(1),
    lot_size=Decimal(1),
    contract_size=Decimal(1),
    inverse=False,
    maker_fee_rate=Decimal(0),
    taker_fee_rate=Decimal(0),
)
WIDE: Final = dict.fromkeys(LIMITS.names or (), NEVER) | {
    "trading_enabled": 1,
    "order_notional_min": 0,
    "rolling_bucket_ns": 0,
    "post_only_mode": 0,
    "market_collar_e9": 10**7,  # 1 %
    "order_lots_max": 10**9,
}


@dataclass(frozen=True)
class Command:
    """What the core told the venue."""

    kind: CommandKind
    order_id: int
    side: int
    price_ticks: int
    qty_lots: int
    tif: int


class Session:
    """One account in one session; the test is strategy and venue.

    Wishes and reports are collected and take effect in `decide`, which closes one timestamp block.
    """

    def __init__(
        self,
        *,
        instruments: int = 1,
        levels_per_side: int = 4,
        instrument: Instrument = LINEAR,
        taker_sweeps: str = "estimate",
        policy: ReplacePolicy = ReplacePolicy.AFTER_ACK,
        bid: int = 1000,
        ask: int = 1010,
        audit: bool = False,
        resyncs: Sequence[tuple[int, int]] = (),
        **limits: int,
    ) -> None:
        self.state = new_state(
            instruments=instruments, levels_per_side=levels_per_side, audit=audit, resyncs=resyncs
        )
        self.session = self.state.session[0]
        self.session["now_ns"] = START_NS
        self.session["replace_policy"] = policy
        for index in range(instruments):
            self.state.instruments[index] = instrument.to_record(taker_sweeps=taker_sweeps)
            for name, value in {**WIDE, **limits}.items():
                self.state.limits[index][name] = value
        self.view = View(self.state)
        self.log: list[np.void] = []
        self.sent: list[Command] = []
        self._seen = 0
        self._folded = False
        if bid or ask:
            for index in range(instruments):
                self.touch(bid, ask, instrument=index)
            self.decide()

    # --- clock and market

    def advance(self, ns: int) -> None:
        """Let time pass."""
        self.session["now_ns"] += ns

    @property
    def now_ns(self) -> int:
        return int(self.session["now_ns"])

    @property
    def next_send_ns(self) -> int:
        return int(self.session["next_send_ns"])

    def touch(
        self, bid: int, ask: int, *, bid_lots: int = 100, ask_lots: int = 100, instrument: int = 0
    ) -> None:
        """Show a best bid and ask; 0 is an empty side."""
        book.set_touch(self.state, instrument, bid, ask, bid_lots, ask_lots)
        self.session["feed_changed"] = 1

    def rate(self, orders: tuple[int, int] = (0, 1), cancels: tuple[int, int] = (0, 1)) -> None:
        """Limit rates: (interval [ns], burst) of orders and of cancels."""
        for throttle, (interval_ns, burst) in zip(self.state.throttles, (orders, cancels), strict=True):
            throttle["interval_ns"] = interval_ns
            throttle["tolerance_ns"] = (burst - 1) * interval_ns

    def limit(self, **limits: int) -> None:
        """Change limits of every instrument."""
        for name, value in limits.items():
            self.state.limits[name] = value

    # --- the strategy

    def quote(
        self, side: int, price: int, lots: int, level: int = 0, *, tif: int = GTC, instrument: int = 0
    ) -> None:
        self.view.quote(side, level, price, lots, tif=tif, instrument=instrument)

    def new(
        self, side: int, price: int, lots: int, level: int = 0, *, tif: int = GTC, instrument: int = 0
    ) -> None:
        self.view.new_order(side, level, price, lots, tif=tif, instrument=instrument)

    def replace(
        self, side: int, price: int, lots: int, level: int = 0, *, tif: int = GTC, instrument: int = 0
    ) -> None:
        self.view.replace(side, level, price, lots, tif=tif, instrument=instrument)

    def cancel(self, side: int, level: int = 0, *, instrument: int = 0) -> None:
        self.view.cancel(side, level, instrument=instrument)

    def market(self, side: int, lots: int, level: int = 0, *, instrument: int = 0) -> None:
        self.view.market_order(side, level, lots, instrument=instrument)

    # --- the venue

    def ack(self, order_id: int) -> None:
        self.report(ReportKind.ACK, order_id)

    def fill(self, order_id: int, lots: int, price: int, *, maker: bool = True) -> None:
        flags = int(EventFlag.MAKER) if maker else 0
        self.report(ReportKind.FILL, order_id, last_lots=lots, last_ticks=price, flags=flags)

    def canceled(self, order_id: int) -> None:
        self.report(ReportKind.CANCELED, order_id)

    def expired(self, order_id: int) -> None:
        self.report(ReportKind.EXPIRED, order_id)

    def rejected(self, order_id: int) -> None:
        self.report(ReportKind.REJECTED, order_id, code=7)

    def cancel_rejected(self, order_id: int) -> None:
        self.report(ReportKind.CANCEL_REJECTED, order_id, code=8)

    def report(self, kind: ReportKind, order_id: int, *, side: int = 0, **fields: int) -> None:
        """Let the venue say something about an order; it is folded with the rest of the block."""
        row = self.state.reports[int(self.session["report_count"])]
        self.session["report_count"] += 1
        for name in row.dtype.names:
            row[name] = 0
        row["kind"], row["order_id"], row["ts_exch_ns"] = kind, order_id, self.now_ns
        known = self._find(order_id)
        row["side"] = side or (known["side"] if known is not None else 0)
        row["instrument"] = known["instrument"] if known is not None else 0
        for name, value in fields.items():
            row[name] = value

    # --- the core

    def fold(self) -> int:
        """Take the facts of the block in; return why a strategy would be called."""
        assert not self._folded, "the facts of this block are folded already"
        self._folded = True
        return int(step.fold(self.state))

    def decide(self) -> list[Command]:
        """Close the block: fold what is not folded, decide, and return the commands."""
        if not self._folded:
            self.fold()
        assert step.decide(self.state) == 0
        commands = [
            Command(
                CommandKind(int(row["kind"])),
                *(int(row[name]) for name in ("order_id", "side", "price_ticks", "qty_lots", "tif")),
            )
            for row in self.state.commands[: int(self.session["command_count"])]
        ]
        self.sent += commands
        self._end_block()
        return commands

    def finish(self) -> None:
        """End the session."""
        step.finish(self.state)
        self._end_block()

    def _end_block(self) -> None:
        count = int(self.session["event_count"])
        events = self.state.events[:count].copy()
        last_seq, last_now_ns = (
            (int(self.log[-1]["seq"]), int(self.log[-1]["now_ns"])) if self.log else (0, 0)
        )
        check_block(events, last_seq, last_now_ns)
        self.log += list(events)
        self.state.events[:count] = np.zeros(1, events.dtype)[0]
        self.state.books["touch_changed"] = 0
        self.state.books["price_changed"] = 0
        for name in ("event_count", "command_count", "feed_changed"):
            self.session[name] = 0
        self._folded = False

    # --- shortcuts

    def place(
        self, side: int, price: int, lots: int, level: int = 0, *, tif: int = GTC, instrument: int = 0
    ) -> int:
        """Send a new order and return its id; it is in flight."""
        self.new(side, price, lots, level, tif=tif, instrument=instrument)
        (command,) = self.decide()
        assert command.kind == CommandKind.NEW
        return command.order_id

    def rest(self, side: int, price: int, lots: int, level: int = 0, *, instrument: int = 0) -> int:
        """Return the id of a new order that the venue has acknowledged."""
        order_id = self.place(side, price, lots, level, instrument=instrument)
        self.ack(order_id)
        self.decide()
        return order_id

    def hold_position(self, net_lots: int, price: int = 1000) -> None:
        """Get a position by a fill at a price."""
        side = BUY if net_lots > 0 else SELL
        order_id = self.rest(side, price, abs(net_lots), level=3)
        self.fill(order_id, abs(net_lots), price)
        self.decide()
        self.forget()

    def forget(self) -> None:
        """Let `events` and `kinds` start here."""
        self._seen = len(self.log)

    # --- what came of it

    @property
    def position(self) -> np.void:
        return self.state.positions[0]

    @property
    def net_lots(self) -> int:
        return int(self.position["net_lots"])

    def events(self, kind: EventKind | None = None) -> list[np.void]:
        """Return the events since the last `forget`."""
        return [event for event in self.log[self._seen :] if kind is None or event["kind"] == kind]

    def event(self, kind: EventKind) -> np.void:
        """Return the only event of a kind."""
        (event,) = self.events(kind)
        return event

    def kinds(self) -> list[EventKind]:
        return [EventKind(int(event["kind"])) for event in self.events()]

    def denials(self) -> list[DenyCode]:
        return [DenyCode(int(event["code"])) for event in self.events(EventKind.DENIED)]

    def dequeued(self) -> list[HoldCode]:
        return [HoldCode(int(event["code"])) for event in self.events(EventKind.DEQUEUED)]

    def queued(self) -> list[HoldCode]:
        return [HoldCode(int(event["code"])) for event in self.events(EventKind.QUEUED)]

    def order(self, order_id: int) -> np.void:
        found = self._find(order_id)
        assert found is not None, f"order {order_id} is not in the table"
        return found

    def status(self, order_id: int) -> OrderStatus:
        return OrderStatus(int(self.order(order_id)["status"]))

    def pending(self, order_id: int) -> Pending:
        return Pending(int(self.order(order_id)["pending"]))

    def _find(self, order_id: int) -> np.void | None:
        row = self.state.orders[order_id & (len(self.state.orders) - 1)]
        return row if row["order_id"] == order_id else None


def kinds_of(commands: Iterable[Command]) -> list[CommandKind]:
    return [command.kind for command in commands]


def prices_of(commands: Iterable[Command]) -> list[int]:
    return [command.price_ticks for command in commands]


def intent_ends(log: Sequence[np.void]) -> dict[int, list[str]]:
    """Return seq of each INTENT -> how it ended. The cancel half of a replace is no end, its new half is."""
    found: dict[int, list[str]] = {
        int(event["seq"]): [] for event in log if event["kind"] == EventKind.INTENT
    }
    for event in log:
        how = found.get(int(event["cause_seq"]))
        if how is None:
            continue
        if event["kind"] == EventKind.SENT and event["a"] == CommandKind.NEW:
            how.append("NEW")
        elif event["kind"] == EventKind.SENT and not event["pending_to"] & Pending.REPLACE:
            how.append("CANCEL")
        elif event["kind"] == EventKind.DENIED and not event["flags"] & EventFlag.COALESCED:
            how.append("DENIED")
        elif event["kind"] == EventKind.DEQUEUED:
            how.append(HoldCode(int(event["code"])).name)
    return found
