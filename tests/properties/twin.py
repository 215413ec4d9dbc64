"""The decisions of the core once more, written for reading: dicts, lists and exact integers, nothing compiled.

It states the rules of docs/concepts.md and docs/reference and shares no code with trading_platform/core, only the
vocabulary of model/enums.py: where the two disagree, one of them or the documentation is wrong.
Nothing is kept that can be worked out again: exposure is summed over the orders each time it is looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil
from typing import Final, NamedTuple

from trading_platform.model.enums import (
    AnomalyCode,
    CommandKind,
    DenyCode,
    EventFlag,
    EventKind,
    HaltCode,
    Held,
    HoldCode,
    IntentKind,
    OrderStatus,
    OrderType,
    Pending,
    PostOnlyMode,
    ReplacePolicy,
    ReportKind,
    TimeInForce,
)

from .ledger import Ledger, Losses
from .script import BUY, UNLIMITED, Block, Rate, Report, Setup, Slot, Touch, Wish

NEVER: Final = UNLIMITED
S, R, P = OrderStatus, ReportKind, Pending
OVER: Final = (S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED)
GONE: Final = (S.CANCELED, S.EXPIRED)
Event = dict[str, int]


@dataclass
class Order:
    """What we sent, what the venue said about it, what we still wait for."""

    order_id: int
    slot: Slot
    order_type: int
    tif: int
    ticks: int
    order_lots: int
    leaves_lots: int
    replaces_id: int
    tag: int
    asked_ns: int  # when the last request left
    cum_lots: int = 0
    status: OrderStatus = S.PENDING_NEW
    pending: Pending = P.NEW
    taken: bool = False  # the venue acknowledged it, or filled some of it
    cancel_refused: bool = False
    replaced_told: bool = False
    sent_seq: int = 0
    cancel_seq: int = 0
    last_seq: int = 0

    @property
    def live(self) -> bool:
        return self.status not in OVER


@dataclass
class Waiting:
    """A wish in the outbox: at most one for a slot."""

    held: Held
    wish: Wish
    replaces_id: int  # the order it takes the place of
    seq: int = 0  # of its INTENT, 0 while that is not written
    code: HoldCode = HoldCode.NONE  # what it was last QUEUED for
    reserved: tuple[int, int] | None = None  # lots and price that count while it waits

    @property
    def quoted(self) -> bool:
        return self.wish.kind == IntentKind.QUOTE


class No(NamedTuple):
    """Why not: the first check that fails, with its numbers."""

    code: DenyCode
    observed: int = 0
    limit: int = 0


@dataclass
class Denial:
    """The last denial of a slot, and how often it was repeated since."""

    code: DenyCode
    wish: Wish
    seq: int
    repeats: int = 0


@dataclass
class Place:
    """One slot: the order that answers for it, the wish that waits, the last denial."""

    order: Order | None = None
    waiting: Waiting | None = None
    denial: Denial | None = None


@dataclass
class Bucket:
    """Tokens of a throttle, counted in the time that it takes to earn them [ns]. Without a rate it is never empty."""

    rate: Rate | None
    filled_ns: int
    level_ns: int = field(init=False)

    def __post_init__(self) -> None:
        self.level_ns = self.rate.burst * self.rate.interval_ns if self.rate else 0

    def ready_ns(self, now_ns: int) -> int:
        """Return when there is a token."""
        if self.rate is None:
            return now_ns
        most_ns = self.rate.burst * self.rate.interval_ns
        self.level_ns = min(most_ns, self.level_ns + now_ns - self.filled_ns)
        self.filled_ns = now_ns
        return now_ns + max(0, self.rate.interval_ns - self.level_ns)

    def take(self, now_ns: int) -> None:
        assert self.ready_ns(now_ns) == now_ns
        if self.rate is not None:
            self.level_ns -= self.rate.interval_ns


class Exposure(NamedTuple):
    """What may still trade: open orders and what waits."""

    lots: dict[int, int]  # by side
    notional: dict[int, int]
    orders: int


class Command(NamedTuple):
    kind: CommandKind
    seq: int
    order_id: int
    instrument: int
    side: int
    order_type: int
    tif: int
    ticks: int
    lots: int


class Look(NamedTuple):
    """One look at a limit, for the audit stream."""

    seq: int
    instrument: int
    rule: DenyCode
    observed: int
    limit: int


def status_after(status: OrderStatus, kind: ReportKind, completes: bool) -> OrderStatus | None:
    """Return what a report makes of a status; None if that is impossible."""
    if kind == R.FILL:
        if status in (S.FILLED, S.REJECTED):
            return None
        if completes:
            return S.FILLED
        return status if status in GONE else S.PARTIALLY_FILLED
    if kind in (R.ACK, R.REPLACED):
        if status == S.REJECTED:
            return None
        return S.WORKING if status == S.PENDING_NEW else status
    if status in OVER:
        return None
    if kind == R.REJECTED:
        return S.REJECTED if status == S.PENDING_NEW else None
    return {R.CANCELED: S.CANCELED, R.EXPIRED: S.EXPIRED}[kind]


def pending_after(pending: Pending, kind: ReportKind) -> Pending | None:
    """Return the requests still in flight after a report; None if it answers one that was never made."""
    answers = {
        R.REPLACED: P.REPLACE,
        R.REJECTED: P.NEW,
        R.CANCEL_REJECTED: P.CANCEL,
        R.REPLACE_REJECTED: P.REPLACE,
    }
    if kind in answers and not pending & answers[kind]:
        return None
    if kind in (R.FILL, R.ACK):
        return pending & ~(P.NEW | P.UNKNOWN)
    if kind == R.REPLACED:
        return pending & ~(P.NEW | P.REPLACE | P.UNKNOWN)
    if kind in (R.CANCELED, R.EXPIRED, R.REJECTED):
        return P.NONE
    return pending & ~(answers[kind] | P.UNKNOWN)


def merge(held: Held, asked: Held) -> tuple[Held, bool]:
    """Return what a slot holds after a wish for it, and whether price and quantity are then those of that wish."""
    cancels = held in (Held.CANCEL, Held.CANCEL_ABSORBED)
    if asked == Held.CANCEL:  # dominates all; of a new that was never sent nothing is left to cancel
        unsent = held in (Held.NEW, Held.REPLACE_OR_NEW, Held.CANCEL_ABSORBED)
        return (Held.CANCEL_ABSORBED if unsent else Held.CANCEL), True
    if asked == Held.KEEP:  # a satisfied quote drops what waits, but no cancel that was asked for
        if cancels or held == Held.CANCEL_THEN_NEW:
            return held, False
        return Held.KEEP, True
    if asked == Held.NEW:
        if cancels:
            return Held.CANCEL_THEN_NEW, True
        if held in (Held.REPLACE, Held.REPLACE_OR_NEW):  # replace dominates new
            return held, False
        return (held if held == Held.CANCEL_THEN_NEW else Held.NEW), True
    if cancels:  # cancel dominates replace
        return held, False
    if held in (Held.NEW, Held.REPLACE_OR_NEW):  # what it replaces was never sent
        return Held.REPLACE_OR_NEW, True
    return (held if held == Held.CANCEL_THEN_NEW else Held.REPLACE), True


def same_ask(wish: Wish, other: Wish) -> bool:
    """Tell whether two wishes ask for the same; the tag is only a remark."""
    return replace(wish, tag=0) == replace(other, tag=0)


class Twin:
    """One session. ``fold`` takes facts in, ``decide`` acts on wishes; both append to ``events`` and ``commands``."""

    def __init__(self, setup: Setup, start_ns: int, orders_max: int) -> None:
        self.setup, self.limits = setup, setup.limits
        self.orders_max = orders_max
        self.now_ns = start_ns
        instruments = range(setup.instruments)
        self.touches = [Touch(0, 0, 0, 0, instrument) for instrument in instruments]
        self.mark_halfticks = [0 for _ in instruments]
        self.ledgers = [Ledger(setup.contract) for _ in instruments]
        self.losses = [Losses(setup.limits) for _ in instruments]
        self.halted = [HaltCode.NONE for _ in instruments]
        self.halt_seq = [0 for _ in instruments]
        self.orders: dict[int, Order] = {}  # every order ever sent, by id
        self.places = {slot: Place() for slot in setup.slots}
        self.queue: list[Slot] = []  # slots whose wish waits, the oldest first
        self.order_tokens = Bucket(setup.order_rate, start_ns)
        self.cancel_tokens = Bucket(setup.cancel_rate, start_ns)
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.looks: list[Look] = []
        self.seq = 0
        self.facts_seq = 0  # the last report of this block: what is asked now answers to it
        self.reported = False
        self.ended = False
        self.wake_ns = self.query_ns = NEVER
        self.unchanged = self.dropped = 0
        self.merged: set[tuple[Held, Held]] = (
            set()
        )  # every pair that was met: what a slot held, what was asked

    # --- facts

    def fold(self, block: Block) -> None:
        """Take in the facts of a block."""
        self.now_ns += block.after_ns
        self.facts_seq = 0
        moved = {touch.instrument for touch in block.touches if self.show(touch)}
        fills = self.fill_count
        for report in sorted(block.reports, key=lambda report: (report.order_id, report.kind != R.FILL)):
            self.apply(report)
            self.facts_seq = self.seq
        if block.reports:
            self.reported = True
            self.settle_replaces()
        if self.fill_count != fills:
            self.tell_positions()
        for instrument in range(self.setup.instruments):
            if instrument in moved or block.reports:
                self.watch(instrument)

    def show(self, touch: Touch) -> bool:
        """Take over best bid and ask; tell whether they changed. While a side is empty the last mark stays."""
        if self.touches[touch.instrument] == touch:
            return False
        self.touches[touch.instrument] = touch
        if touch.bid_ticks and touch.ask_ticks:
            self.mark_halfticks[touch.instrument] = touch.bid_ticks + touch.ask_ticks
        return True

    @property
    def fill_count(self) -> int:
        return sum(len(ledger.fills) for ledger in self.ledgers)

    def apply(self, report: Report) -> None:
        """Fold one report."""
        order = self.orders.get(report.order_id)
        if order is None:
            self.unknown(report)
        elif report.kind == R.FILL:
            self.fill(order, report)
        elif report.kind in (R.CANCEL_REJECTED, R.REPLACE_REJECTED):
            self.refuse(order, report)
        else:
            self.move(order, report)

    def fill(self, order: Order, report: Report) -> None:
        """A fill is money: booked in every status, judged after."""
        ledger = self.ledgers[order.slot.instrument]
        fee_money = ledger.book(order.slot.side, report.lots, report.ticks, report.maker)
        before, late = (order.status, order.pending), not order.live
        order.cum_lots += report.lots
        overfill = order.cum_lots > order.order_lots
        status = status_after(order.status, R.FILL, completes=order.cum_lots >= order.order_lots)
        if not late:
            order.leaves_lots = max(0, order.leaves_lots - report.lots)
        if status is not None:
            self.enter(order, status, R.FILL)
        order.taken = True
        flags = (EventFlag.MAKER if report.maker else 0) | (EventFlag.LATE if late else 0)
        self.tell_order(
            EventKind.FILL,
            order.sent_seq,
            order,
            before,
            price_ticks=report.ticks,
            qty_lots=report.lots,
            ts_exch_ns=self.now_ns,
            flags=flags,
            a=fee_money,
            b=order.cum_lots,
            c=ledger.net_lots,
        )
        self.complete_replace(order)
        if overfill or status is None:
            code = AnomalyCode.OVERFILL if overfill else AnomalyCode.IMPOSSIBLE_STATUS
            self.anomaly(order, report, code)

    def move(self, order: Order, report: Report) -> None:
        """ACK, REPLACED, CANCELED, EXPIRED, REJECTED."""
        status = status_after(order.status, report.kind, completes=False)
        if status is None:
            self.anomaly(order, report, AnomalyCode.IMPOSSIBLE_STATUS)
            return
        if pending_after(order.pending, report.kind) is None:
            self.anomaly(order, report, AnomalyCode.IMPOSSIBLE_PENDING)
            return
        before = (order.status, order.pending)
        if report.kind == R.REPLACED:
            order.ticks, order.leaves_lots = report.ticks, report.lots
            order.order_lots = order.cum_lots + report.lots
        if report.kind in (R.ACK, R.REPLACED):
            order.taken = True
        self.enter(order, status, report.kind)
        answers_cancel = report.kind == R.CANCELED and order.cancel_seq
        self.tell_order(
            EventKind.VENUE_REJECT if report.kind == R.REJECTED else EventKind.STATUS,
            order.cancel_seq if answers_cancel else order.sent_seq,
            order,
            before,
            ts_exch_ns=self.now_ns,
            a=report.kind,
            code=report.code,
        )
        if report.kind == R.REPLACED:  # amended in place: it replaced itself
            self.tell_order(
                EventKind.REPLACED,
                order.sent_seq,
                order,
                ts_exch_ns=self.now_ns,
                parent_order_id=order.order_id,
            )
        elif report.kind == R.ACK:
            self.complete_replace(order)
        elif report.kind in (R.CANCELED, R.EXPIRED):
            newer = [
                order_id for order_id, other in self.orders.items() if other.replaces_id == order.order_id
            ]
            if newer:
                self.complete_replace(self.orders[newer[-1]])

    def enter(self, order: Order, status: OrderStatus, kind: ReportKind) -> None:
        """Enter a status; one that is over leaves nothing open and frees the slot."""
        order.status = status
        pending = pending_after(order.pending, kind)
        assert pending is not None
        order.pending = pending
        if not order.live:
            order.pending, order.leaves_lots = P.NONE, 0
            if self.places[order.slot].order is order:
                self.places[order.slot].order = None

    def refuse(self, order: Order, report: Report) -> None:
        """The venue refuses a cancel or a replace: the order stays as it was. After its end that is merely late."""
        before = (order.status, order.pending)
        if order.live:
            pending = pending_after(order.pending, report.kind)
            if pending is None:
                self.anomaly(order, report, AnomalyCode.IMPOSSIBLE_PENDING)
                return
            order.pending = pending
            if not pending & P.CANCEL:
                order.pending &= ~P.REPLACE  # the replace failed with its cancel
                order.cancel_refused = True
                place = self.places[order.slot]
                place.order = place.order or order  # it works on: it answers for its slot again
        self.tell_order(
            EventKind.VENUE_REJECT,
            order.cancel_seq,
            order,
            before,
            ts_exch_ns=self.now_ns,
            a=report.kind,
            code=report.code,
        )

    def complete_replace(self, newer: Order) -> None:
        """Tell once that a replace is complete: the venue took the new order, and the old one is gone unfilled."""
        older = self.orders.get(newer.replaces_id)
        if older is not None and older.status in GONE and newer.taken and not newer.replaced_told:
            newer.replaced_told = True
            self.tell_order(EventKind.REPLACED, newer.sent_seq, newer, ts_exch_ns=self.now_ns)

    def anomaly(self, order: Order, report: Report, code: AnomalyCode) -> None:
        """What must not happen stops new orders of the instrument."""
        self.tell_order(
            EventKind.ANOMALY, order.last_seq, order, ts_exch_ns=self.now_ns, a=report.kind, code=code
        )
        self.halt(order.slot.instrument, HaltCode.ANOMALY)

    def unknown(self, report: Report) -> None:
        """A report of an order that is not ours. A fill is our money all the same."""
        told = {
            "instrument": report.instrument,
            "order_id": report.order_id,
            "side": report.side,
            "ts_exch_ns": self.now_ns,
        }
        if report.kind == R.FILL:
            ledger = self.ledgers[report.instrument]
            fee_money = ledger.book(report.side, report.lots, report.ticks, report.maker)
            flags = EventFlag.LATE | (EventFlag.MAKER if report.maker else 0)
            numbers = {
                "price_ticks": report.ticks,
                "qty_lots": report.lots,
                "a": fee_money,
                "c": ledger.net_lots,
            }
            self.tell(EventKind.FILL, self.facts_seq, **told, **numbers, flags=flags)
        self.tell(EventKind.ANOMALY, self.facts_seq, **told, a=report.kind, code=AnomalyCode.UNKNOWN_ORDER)
        self.halt(report.instrument, HaltCode.ANOMALY)

    def settle_replaces(self) -> None:
        """Give up replaces whose order was filled first, or whose cancel the venue refused."""
        for slot in list(self.queue):
            waiting = self.waiting(slot)
            older = self.orders.get(waiting.replaces_id)
            if older is None:
                continue
            refused = older.live and older.cancel_refused and not older.pending & P.CANCEL
            if older.status == S.FILLED:
                self.give_up(slot, HoldCode.FILL_WON, older.order_id)
            elif refused and waiting.code == HoldCode.IN_FLIGHT:
                self.give_up(slot, HoldCode.VENUE_REFUSED, older.order_id)

    def watch(self, instrument: int) -> None:
        """Mark equity to the book; a loss beyond a limit stops the whole account."""
        ledger, losses, mark = (
            self.ledgers[instrument],
            self.losses[instrument],
            self.mark_halfticks[instrument],
        )
        if ledger.net_lots and not mark:
            return
        losses.mark(self.now_ns, ledger.equity_money(mark))
        if self.halted[instrument]:
            return
        for breaks, code in (
            (losses.drawdown_breaks, HaltCode.DRAWDOWN),
            (losses.rolling_breaks, HaltCode.ROLLING_LOSS),
        ):
            if breaks:
                for other in range(self.setup.instruments):
                    self.halt(other, code)

    def halt(self, instrument: int, code: HaltCode) -> None:
        """Stop trading an instrument; the first reason stays."""
        self.halted[instrument] = self.halted[instrument] or code

    # --- decisions

    def decide(self, wishes: Iterable[Wish], cancel_all: bool) -> None:
        """Act on what the strategy asks and on what waits."""
        asked = list(wishes)
        if cancel_all:
            for slot, place in self.places.items():
                if place.order or place.waiting:
                    asked.append(Wish(IntentKind.CANCEL, slot.side, slot.level, instrument=slot.instrument))
        if self.ended:
            self.take_all(asked)
            for slot in list(self.queue):
                self.deny(slot, No(DenyCode.END_OF_DATA, 1, 0))
            return
        self.carry_out_halts()
        waits = bool(self.queue or self.orphans())
        if not waits:
            self.wake_ns = NEVER
        if asked or (waits and (self.reported or self.now_ns >= self.wake_ns)):
            self.take_all(asked)
            self.flush()
        self.reported = False
        self.query_lost_reports()

    def carry_out_halts(self) -> None:
        """Clear the outbox once, and cancel what works, past the throttle, until nothing does."""
        for instrument in range(self.setup.instruments):
            if not self.halted[instrument]:
                continue
            if not self.halt_seq[instrument]:
                self.tell_halt(instrument)
                for slot in list(self.queue):
                    if slot.instrument == instrument:
                        self.give_up(slot, HoldCode.CLEARED_BY_HALT)
            for order in self.live_orders():
                if order.slot.instrument == instrument and not order.pending & (P.NEW | P.CANCEL):
                    self.send_cancel(order, self.halt_seq[instrument])

    def take_all(self, wishes: Sequence[Wish]) -> None:
        for wish in wishes:
            self.take(wish)

    def take(self, wish: Wish) -> None:
        """Merge a wish with what its slot holds."""
        place, is_quote = self.places[wish.slot], wish.kind == IntentKind.QUOTE
        if is_quote and wish.lots == 0:
            wish = replace(wish, ticks=0)  # nothing wanted, at no price
        waiting = place.waiting
        held = waiting.held if waiting else Held.NOTHING
        if is_quote and waiting and waiting.quoted:
            held = Held.NOTHING  # a quote states the whole wish
        asked = self.asks_for(place, wish)
        self.merged.add((held, asked))
        after, takes = merge(held, asked)
        if after == Held.CANCEL and held != Held.NOTHING and place.order is None:
            after = Held.CANCEL_ABSORBED
        if after == Held.KEEP:
            self.unchanged += 1
            if waiting:
                self.give_up(wish.slot, HoldCode.SUPERSEDED)
        elif not takes or (waiting and same_ask(waiting.wish, wish)):
            self.unchanged += 1
        else:
            self.hold(wish, after)

    def asks_for(self, place: Place, wish: Wish) -> Held:
        """Return what a wish asks of its slot as it is now."""
        if wish.kind != IntentKind.QUOTE:
            explicit = {
                IntentKind.NEW: Held.NEW,
                IntentKind.REPLACE: Held.REPLACE,
                IntentKind.CANCEL: Held.CANCEL,
            }
            return explicit[wish.kind]
        order = place.order
        if order is None:
            return Held.NEW if wish.lots else Held.KEEP
        if order.pending & P.CANCEL:
            return Held.REPLACE if wish.lots else Held.KEEP
        if not wish.lots:
            return Held.CANCEL
        satisfied = (
            order.ticks == wish.ticks
            and order.tif == wish.tif
            and wish.lots in (order.order_lots, order.leaves_lots)
        )
        return Held.KEEP if satisfied else Held.REPLACE

    def hold(self, wish: Wish, held: Held) -> None:
        """Let a wish wait in its slot. What waited there ends; the slot keeps its place in the queue."""
        place = self.places[wish.slot]
        replaces_id = 0
        if place.waiting:
            replaces_id = place.waiting.replaces_id  # a later wish takes over a replace that is half done
            self.dequeue(wish.slot, HoldCode.SUPERSEDED)
        else:
            self.queue.append(wish.slot)
        if held in (Held.CANCEL, Held.CANCEL_ABSORBED):
            replaces_id = 0
        elif held != Held.NEW and place.order:
            replaces_id = place.order.order_id
        place.waiting = Waiting(held, wish, replaces_id)
        if not (
            place.denial and same_ask(place.denial.wish, wish)
        ):  # a denial that may repeat is written when it is new
            self.tell_intent(wish.slot)

    # --- the outbox

    def flush(self) -> None:
        """Send what may go: cancels, then replaces, then news; the oldest first in each."""
        self.wake_ns = NEVER
        for order in self.orphans():
            if self.wait_for_token(self.cancel_tokens):
                self.cancel_tokens.take(self.now_ns)
                self.send_cancel(order, order.last_seq)
        phases: tuple[Callable[[Slot], None], ...] = (self.try_cancel, self.try_replace, self.try_new)
        for phase in phases:
            for slot in list(self.queue):
                if self.phase(slot) == phase:
                    phase(slot)

    def phase(self, slot: Slot) -> Callable[[Slot], None]:
        """A replace whose order is gone is a new, if it ever had one or may do without."""
        waiting = self.waiting(slot)
        if waiting.held in (Held.CANCEL, Held.CANCEL_ABSORBED):
            return self.try_cancel
        if waiting.held == Held.NEW:
            return self.try_new
        may_be_new = waiting.held != Held.REPLACE or waiting.replaces_id
        return self.try_new if may_be_new and not self.places[slot].order else self.try_replace

    def wait_for_token(self, *buckets: Bucket) -> bool:
        """Tell whether there is a token now; if not, wake up when there is one."""
        ready_ns = max(bucket.ready_ns(self.now_ns) for bucket in buckets)
        if ready_ns > self.now_ns:
            self.wake_ns = min(self.wake_ns, ready_ns)
        return ready_ns <= self.now_ns

    def try_cancel(self, slot: Slot) -> None:
        waiting, order = self.waiting(slot), self.places[slot].order
        if order is None and waiting.held == Held.CANCEL:
            self.deny(slot, No(DenyCode.NOT_FOUND))
        elif order is None or order.pending & P.CANCEL:
            self.unchanged += 1
            self.give_up(slot, HoldCode.NO_CHANGE)
        elif order.pending & P.NEW:
            self.wait(slot, HoldCode.IN_FLIGHT)
        elif not self.wait_for_token(self.cancel_tokens):
            self.wait(slot, HoldCode.RATE_LIMIT, self.cancel_tokens.ready_ns(self.now_ns))
        else:
            self.tell_intent(slot)
            self.cancel_tokens.take(self.now_ns)
            self.send_cancel(order, waiting.seq)
            self.leave(slot)

    def try_replace(self, slot: Slot) -> None:
        waiting, order = self.waiting(slot), self.places[slot].order
        if order is None:
            self.deny(slot, No(DenyCode.NOT_FOUND))
            return
        waiting.reserved = None
        at_once = self.setup.policy == ReplacePolicy.AT_ONCE
        approved = self.approve(slot, instead_of=None if at_once else order)
        if approved is None:
            return
        ticks, lots = approved
        wish = waiting.wish
        if order.pending & (P.NEW | P.CANCEL):
            self.wait(slot, HoldCode.IN_FLIGHT, reserve_ticks=ticks)
            return
        if (order.ticks, order.leaves_lots, order.tif) == (ticks, wish.lots, wish.tif):
            self.unchanged += 1
            self.give_up(slot, HoldCode.NO_CHANGE, order.order_id)
            return
        buckets = (self.cancel_tokens, self.order_tokens) if at_once else (self.cancel_tokens,)
        if not self.wait_for_token(*buckets):
            ready_ns = max(bucket.ready_ns(self.now_ns) for bucket in buckets)
            self.wait(slot, HoldCode.RATE_LIMIT, ready_ns, ticks)
            return
        self.tell_intent(slot)
        self.cancel_tokens.take(self.now_ns)
        self.send_cancel(order, waiting.seq, P.CANCEL | P.REPLACE)
        if at_once:
            self.send_new(slot, ticks, lots, order.order_id)
        else:
            self.wait(slot, HoldCode.IN_FLIGHT, reserve_ticks=ticks)

    def try_new(self, slot: Slot) -> None:
        waiting, order = self.waiting(slot), self.places[slot].order
        if order and not order.pending & P.CANCEL:
            self.deny(slot, No(DenyCode.DUPLICATE, order.order_id, 0))
            return
        waiting.reserved = None
        approved = self.approve(slot, instead_of=order)
        if approved is None:
            return
        ticks, lots = approved
        if order:
            self.wait(slot, HoldCode.IN_FLIGHT, reserve_ticks=ticks)
        elif not self.wait_for_token(self.order_tokens):
            self.wait(slot, HoldCode.RATE_LIMIT, self.order_tokens.ready_ns(self.now_ns), ticks)
        else:
            self.tell_intent(slot)
            self.send_new(slot, ticks, lots, waiting.replaces_id)

    def waiting(self, slot: Slot) -> Waiting:
        waiting = self.places[slot].waiting
        assert waiting is not None
        return waiting

    def wait(self, slot: Slot, code: HoldCode, wake_ns: int = 0, reserve_ticks: int = 0) -> None:
        """Keep a wish until a time, or until a report if that is 0; what it might trade counts meanwhile."""
        waiting = self.waiting(slot)
        self.tell_intent(slot)
        if waiting.code != code:
            waiting.code = code
            self.tell_wish(EventKind.QUEUED, waiting.seq, slot, code=code, a=wake_ns)
        if reserve_ticks:
            waiting.reserved = (waiting.wish.lots, reserve_ticks)

    def leave(self, slot: Slot) -> None:
        self.places[slot].waiting = None
        self.queue.remove(slot)

    def dequeue(self, slot: Slot, code: HoldCode, ref: int = 0) -> None:
        self.tell_intent(slot)
        self.tell_wish(EventKind.DEQUEUED, self.waiting(slot).seq, slot, code=code, ref=ref)

    def give_up(self, slot: Slot, code: HoldCode, ref: int = 0) -> None:
        """End a wish without sending it."""
        self.dequeue(slot, code, ref)
        self.leave(slot)

    def deny(self, slot: Slot, no: No) -> None:
        """End a wish with our no. The same no to the same wish is counted, not written."""
        place, waiting = self.places[slot], self.waiting(slot)
        if waiting.seq == 0 and place.denial and place.denial.code == no.code:
            place.denial.repeats += 1
        else:
            self.tell_intent(slot)
            numbers = {"a": no.observed, "b": no.limit, "c": no.limit - no.observed}
            seq = self.tell_wish(EventKind.DENIED, waiting.seq, slot, code=no.code, **numbers)
            place.denial = Denial(no.code, waiting.wish, seq)
        self.leave(slot)

    # --- checks

    def approve(self, slot: Slot, instead_of: Order | None) -> tuple[int, int] | None:
        """Return price and lots the waiting wish would be sent with; None after denying or dropping it.

        ``instead_of`` is an order that is gone before the new is sent: it does not count, and the book is judged then.
        """
        wish = self.waiting(slot).wish
        no = self.no_trading(slot.instrument) or self.no_form(wish)
        ticks = 0 if no else self.sent_ticks(wish)
        lots = wish.lots
        if not no and not ticks:
            no = No(DenyCode.NO_BOOK)
        if not no and not instead_of:
            lots = self.fit(wish, ticks)
            no = self.no_book(wish, ticks, lots)
        no = no or self.no_exposure(slot, ticks, lots, instead_of)
        if not no:
            return ticks, lots
        drops = self.limits.post_only_mode == PostOnlyMode.DROP
        if no.code == DenyCode.POST_ONLY_WOULD_CROSS and drops:
            self.dropped += 1
            self.give_up(slot, HoldCode.DROPPED)
        else:
            self.deny(slot, no)
        return None

    def no_trading(self, instrument: int) -> No | None:
        if self.halted[instrument]:
            return No(DenyCode.HALTED, self.halted[instrument], 0)
        return None if self.limits.trading_enabled else No(DenyCode.TRADING_DISABLED, 0, 1)

    def no_form(self, wish: Wish) -> No | None:
        """The form of an order alone."""
        if wish.order_type not in tuple(OrderType):
            return No(DenyCode.BAD_TYPE, wish.order_type, max(OrderType))
        if wish.tif not in tuple(TimeInForce):
            return No(DenyCode.BAD_TYPE, wish.tif, max(TimeInForce))
        if not 1 <= wish.lots <= self.limits.order_lots_max:
            return No(DenyCode.BAD_QTY, wish.lots, self.limits.order_lots_max)
        if wish.order_type == OrderType.LIMIT:
            if wish.ticks < self.setup.order_min_ticks:
                return No(DenyCode.BAD_PRICE, wish.ticks, self.setup.order_min_ticks)
            if wish.ticks > self.setup.order_max_ticks:
                return No(DenyCode.BAD_PRICE, wish.ticks, self.setup.order_max_ticks)
        return None

    def opposite(self, slot: Slot) -> tuple[int, int]:
        """Return price and lots of the touch that an order of this side would take; 0 ticks without one."""
        touch = self.touches[slot.instrument]
        return (touch.ask_ticks, touch.ask_lots) if slot.side == BUY else (touch.bid_ticks, touch.bid_lots)

    def sent_ticks(self, wish: Wish) -> int:
        """A market order is a limit at the opposite touch plus the collar, at least a tick; 0 without that touch."""
        if wish.order_type == OrderType.LIMIT:
            return wish.ticks
        touch_ticks, _ = self.opposite(wish.slot)
        if not touch_ticks:
            return 0
        collar = int(Fraction(touch_ticks * self.limits.market_collar_e9, 10**9))
        return max(1, touch_ticks + wish.side * max(1, collar))

    def takes(self, slot: Slot, ticks: int) -> bool:
        """Tell whether a price would trade against the book now."""
        touch_ticks, _ = self.opposite(slot)
        return bool(touch_ticks) and slot.side * (ticks - touch_ticks) >= 0

    def fit(self, wish: Wish, ticks: int) -> int:
        """A taker asks for no more than the best level shows, if the venue policy says so."""
        _, shown_lots = self.opposite(wish.slot)
        if self.setup.taker_sweeps == "best_level" and self.takes(wish.slot, ticks) and shown_lots:
            return min(wish.lots, shown_lots)
        return wish.lots

    def no_book(self, wish: Wish, ticks: int, lots: int) -> No | None:
        """What the book, and our own orders on the other side, say."""
        slot = wish.slot
        touch_ticks, shown_lots = self.opposite(slot)
        tif = TimeInForce.IOC if wish.order_type == OrderType.MARKET else wish.tif
        if self.takes(slot, ticks) and tif == TimeInForce.POST_ONLY:
            return No(DenyCode.POST_ONLY_WOULD_CROSS, ticks, touch_ticks)
        for order in self.live_orders():
            meets = slot.side * (ticks - order.ticks) >= 0
            if order.slot.instrument == slot.instrument and order.slot.side == -slot.side and meets:
                return No(DenyCode.SELF_CROSS, ticks, order.ticks)
        if self.takes(slot, ticks) and self.setup.taker_sweeps != "estimate" and lots > shown_lots:
            return No(DenyCode.TAKER_SWEEP, lots, shown_lots)
        return None

    def notional(self, lots: int, ticks: int) -> int:
        return lots if self.setup.contract.inverse else lots * ticks

    def exposure(self, instrument: int, without: Order | None = None) -> Exposure:
        """Sum up what may still trade: working, in flight, waiting, and what this batch has approved already."""
        opened = [
            (order.slot.side, order.leaves_lots, order.ticks)
            for order in self.live_orders()
            if order.slot.instrument == instrument and order is not without
        ]
        waits = [
            (slot.side, *place.waiting.reserved)
            for slot, place in self.places.items()
            if slot.instrument == instrument and place.waiting and place.waiting.reserved
        ]
        lots, notional = {1: 0, -1: 0}, {1: 0, -1: 0}
        for side, open_lots, ticks in opened + waits:
            lots[side] += open_lots
            notional[side] += self.notional(open_lots, ticks)
        return Exposure(lots, notional, len(opened))

    def is_reducing(self, slot: Slot, lots: int, exposure: Exposure) -> bool:
        """At most the net position minus what already works on that side."""
        return lots <= -slot.side * self.ledgers[slot.instrument].net_lots - exposure.lots[slot.side]

    def no_exposure(self, slot: Slot, ticks: int, lots: int, without: Order | None) -> No | None:
        """Every limit against the worst case; each look is recorded for the audit."""
        exposure = self.exposure(slot.instrument, without)
        for rule, observed, limit in self.rules(slot, ticks, lots, exposure):
            self.looks.append(Look(self.seq, slot.instrument, rule, observed, limit))
            if observed > limit:
                if rule == DenyCode.MIN_ORDER_NOTIONAL:
                    return No(rule, limit, observed)
                return No(rule, observed, limit)
        return None

    def rules(
        self, slot: Slot, ticks: int, lots: int, exposure: Exposure
    ) -> Iterator[tuple[DenyCode, int, int]]:
        """Yield rule, observed value and limit in the order of the checks; of a minimum the two change places."""
        limits, net_lots = self.limits, self.ledgers[slot.instrument].net_lots
        order_notional = self.notional(lots, ticks)
        yield DenyCode.MIN_ORDER_NOTIONAL, limits.order_notional_min, order_notional
        quotes = sum(exposure.notional.values()) + order_notional
        if not self.is_reducing(slot, lots, exposure):
            yield DenyCode.SINGLE_ORDER_NOTIONAL, order_notional, limits.order_notional_max
            worst_lots = slot.side * net_lots + exposure.lots[slot.side] + lots
            yield DenyCode.POSITION, worst_lots, limits.position_lots_max
            mark = Fraction(self.mark_halfticks[slot.instrument], 2)
            held = abs(net_lots) if self.setup.contract.inverse else ceil(abs(net_lots) * mark)
            yield DenyCode.GROSS_NOTIONAL, held + quotes, limits.gross_notional_max
        yield DenyCode.QUOTE_GROSS_NOTIONAL, quotes, limits.quote_gross_notional_max
        net = exposure.notional[1] - exposure.notional[-1] + slot.side * order_notional
        yield DenyCode.QUOTE_NET_NOTIONAL, abs(net), limits.quote_net_notional_max
        yield DenyCode.ACTIVE_QUOTES, exposure.orders + 1, limits.active_quotes_max
        yield DenyCode.ORDER_TABLE_FULL, len(self.live_orders()) + 1, self.orders_max

    # --- commands

    def live_orders(self) -> list[Order]:
        return [order for order in self.orders.values() if order.live]

    def orphans(self) -> list[Order]:
        """Return the orders that work and answer for no slot: after a replace at once their cancel was refused."""
        return [
            order
            for order in self.live_orders()
            if self.places[order.slot].order is not order and not order.pending & P.CANCEL
        ]

    def send_new(self, slot: Slot, ticks: int, lots: int, replaces_id: int) -> None:
        place, waiting = self.places[slot], self.waiting(slot)
        wish = waiting.wish
        reducing = self.is_reducing(slot, lots, self.exposure(slot.instrument))
        tif = TimeInForce.IOC if wish.order_type == OrderType.MARKET else wish.tif
        order_id = max(self.orders, default=0) + 1
        order = Order(
            order_id, slot, wish.order_type, tif, ticks, lots, lots, replaces_id, wish.tag, self.now_ns
        )
        self.orders[order_id] = place.order = order
        self.order_tokens.take(self.now_ns)
        flags = (EventFlag.QUOTED if waiting.quoted else 0) | (EventFlag.REDUCING if reducing else 0)
        order.sent_seq = self.tell_order(
            EventKind.SENT, waiting.seq, order, (order.status, P.NONE), flags=flags, a=CommandKind.NEW
        )
        self.command(CommandKind.NEW, order)
        place.denial = None
        self.leave(slot)

    def send_cancel(self, order: Order, cause_seq: int, requests: Pending = P.CANCEL) -> None:
        before = (order.status, order.pending)
        order.pending |= requests
        order.asked_ns, order.cancel_refused = self.now_ns, False
        order.cancel_seq = self.tell_order(EventKind.SENT, cause_seq, order, before, a=CommandKind.CANCEL)
        self.command(CommandKind.CANCEL, order)

    def query_lost_reports(self) -> None:
        """Ask about requests that were not answered in time."""
        if not self.setup.ack_timeout_ns:
            return
        self.query_ns = NEVER
        for order in self.live_orders():
            if not order.pending or order.pending & P.UNKNOWN:
                continue
            due_ns = order.asked_ns + self.setup.ack_timeout_ns
            if due_ns > self.now_ns:
                self.query_ns = min(self.query_ns, due_ns)
                continue
            before = (order.status, order.pending)
            order.pending |= P.UNKNOWN
            self.tell_order(EventKind.QUERY, order.sent_seq, order, before, a=order.asked_ns)
            self.command(CommandKind.QUERY, order)

    def command(self, kind: CommandKind, order: Order) -> None:
        slot = order.slot
        self.commands.append(
            Command(
                kind,
                self.seq,
                order.order_id,
                slot.instrument,
                slot.side,
                order.order_type,
                order.tif,
                order.ticks,
                order.order_lots,
            )
        )

    # --- the journal

    def finish(self) -> None:
        """Write what is still only counted, and the final equity."""
        for slot in self.places:
            self.tell_repeats(slot)
        for instrument, losses in enumerate(self.losses):
            self.tell(
                EventKind.PNL,
                0,
                instrument=instrument,
                qty_lots=self.ledgers[instrument].net_lots,
                a=losses.equity_money,
                b=self.mark_halfticks[instrument],
                c=losses.drawdown_money,
            )

    def tell(self, kind: EventKind, cause_seq: int, **values: int) -> int:
        """Append an event and return its seq. What is not named is 0."""
        self.seq += 1
        self.events.append(
            {"seq": self.seq, "cause_seq": cause_seq, "now_ns": self.now_ns, "kind": kind, **values}
        )
        return self.seq

    def tell_order(
        self,
        kind: EventKind,
        cause_seq: int,
        order: Order,
        before: tuple[OrderStatus, Pending] | None = None,
        **values: int,
    ) -> int:
        """Tell of an order as it is now, and what it was before if that changed."""
        status_from, pending_from = before or (order.status, order.pending)
        told: Event = {
            "instrument": order.slot.instrument,
            "slot": order.slot.place,
            "order_id": order.order_id,
            "parent_order_id": order.replaces_id,
            "side": order.slot.side,
            "order_type": order.order_type,
            "tif": order.tif,
            "price_ticks": order.ticks,
            "qty_lots": order.order_lots,
            "leaves_lots": order.leaves_lots,
            "status_from": status_from,
            "status_to": order.status,
            "pending_from": pending_from,
            "pending_to": order.pending,
            "tag": order.tag,
        }
        order.last_seq = self.tell(kind, cause_seq, **{**told, **values})
        return order.last_seq

    def tell_wish(self, kind: EventKind, cause_seq: int, slot: Slot, **values: int) -> int:
        waiting = self.waiting(slot)
        flags = EventFlag.QUOTED if waiting.quoted else 0
        return self.tell(
            kind, cause_seq, **wish_fields(waiting.wish), tag=waiting.wish.tag, flags=flags, **values
        )

    def tell_intent(self, slot: Slot) -> None:
        """Write the INTENT, unless it was. Denials that were only counted come first."""
        waiting, order = self.waiting(slot), self.places[slot].order
        if waiting.seq:
            return
        self.tell_repeats(slot)
        ref = order.order_id if order else 0
        waiting.seq = self.tell_wish(EventKind.INTENT, self.facts_seq, slot, a=waiting.wish.kind, ref=ref)

    def tell_repeats(self, slot: Slot) -> None:
        denial = self.places[slot].denial
        if denial and denial.repeats:
            self.tell(
                EventKind.DENIED,
                denial.seq,
                **wish_fields(denial.wish),
                code=denial.code,
                c=denial.repeats,
                flags=EventFlag.COALESCED,
            )
            denial.repeats = 0

    def tell_positions(self) -> None:
        for instrument, ledger in enumerate(self.ledgers):
            self.tell(
                EventKind.POSITION,
                self.seq,
                instrument=instrument,
                qty_lots=ledger.net_lots,
                a=ledger.cash_ticklots,
                b=ledger.cash_money,
                c=ledger.fee_money,
            )

    def tell_halt(self, instrument: int) -> None:
        code, losses = self.halted[instrument], self.losses[instrument]
        observed, limit = {
            HaltCode.DRAWDOWN: (losses.drawdown_money, self.limits.drawdown_money_max),
            HaltCode.ROLLING_LOSS: (losses.rolling_loss_money, self.limits.rolling_loss_money_max),
        }.get(code, (0, 0))
        self.halt_seq[instrument] = self.tell(
            EventKind.HALT, self.facts_seq, instrument=instrument, code=code, a=observed, b=limit
        )


def wish_fields(wish: Wish) -> Event:
    """Return what an event tells of a wish; a type that does not exist is told by its denial."""
    return {
        "instrument": wish.instrument,
        "slot": wish.slot.place,
        "side": wish.side,
        "order_type": wish.order_type if wish.order_type in tuple(OrderType) else 0,
        "tif": wish.tif if wish.tif in tuple(TimeInForce) else 0,
        "price_ticks": wish.ticks,
        "qty_lots": wish.lots,
    }
