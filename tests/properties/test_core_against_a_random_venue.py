"""Whatever a strategy asks and a lawful venue answers, the promises of the core hold after every block.

TRADING_PLATFORM_EXAMPLES sets how many sessions are tried (60 if not set).
"""

import os
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from semantics.harness import BUY, GTC, IOC, LINEAR, POST_ONLY, SECOND_NS, SELL, Command, Session, intent_ends

from trading_platform._jit import COMPILED
from trading_platform.core.order_fsm import TERMINAL
from trading_platform.model.enums import CommandKind, EventFlag, EventKind, PostOnlyMode, ReplacePolicy
from trading_platform.model.records import NEVER

pytestmark = pytest.mark.skipif(COMPILED, reason="plain kernels run in the NUMBA_DISABLE_JIT=1 pass")

EXAMPLES: Final = int(os.environ.get("TRADING_PLATFORM_EXAMPLES", "60"))
LEVELS: Final = 3
POSITION_MAX: Final = 12
GROSS_MAX: Final = 22_000
QUOTES_MAX: Final = 4
INTERVAL_NS: Final = SECOND_NS
BURSTS: Final = {CommandKind.NEW: 2, CommandKind.CANCEL: 2}
STEPS_NS: Final = (0, 1, INTERVAL_NS // 3, INTERVAL_NS - 1, INTERVAL_NS)
TOUCHES: Final = st.one_of(
    st.none(),
    st.tuples(st.integers(994, 1004), st.integers(1005, 1016)),
    st.sampled_from(((0, 1010), (1000, 0), (0, 0))),
)
WISHES: Final = st.tuples(
    st.sampled_from(
        ("quote", "quote", "quote", "new", "new", "replace", "replace", "cancel", "market", "nothing")
    ),
    st.sampled_from((BUY, SELL)),
    st.integers(0, LEVELS - 1),
    st.sampled_from((5, 4, 3, 2, 1, 0, -3, -11)),  # ticks away from the touch; below 0 it crosses
    st.integers(1, 8),
    st.sampled_from((GTC, POST_ONLY, IOC)),
)


@dataclass
class VenueOrder:
    """An order as the venue keeps it."""

    order_id: int
    side: int
    price_ticks: int
    leaves_lots: int
    acknowledged: bool = False
    gone: bool = False  # canceled, expired or rejected: said so
    late_lots: int = 0  # traded before it went, not reported yet
    cancel_asked: bool = False
    cum_lots: int = 0

    @property
    def open(self) -> bool:
        return not self.gone and self.leaves_lots > 0


@dataclass
class Venue:
    """Takes commands, and refuses by assertion what no venue may be asked."""

    orders: dict[int, VenueOrder] = field(default_factory=dict)
    sent_ns: dict[CommandKind, list[int]] = field(default_factory=lambda: {kind: [] for kind in BURSTS})
    net_lots: int = 0
    cash_ticklots: int = 0

    def take(self, command: Command, now_ns: int) -> None:
        """Receive one command."""
        self.sent_ns[command.kind].append(now_ns)
        if command.kind == CommandKind.NEW:
            assert command.order_id not in self.orders, "an id was used twice"
            assert command.qty_lots > 0
            self.orders[command.order_id] = VenueOrder(
                command.order_id, command.side, command.price_ticks, command.qty_lots
            )
            return
        order = self.orders[command.order_id]
        assert not order.cancel_asked, "a second cancel of one order is in flight"
        assert order.acknowledged or order.cum_lots, "a cancel overtakes its new"
        order.cancel_asked = True

    def trade(self, order: VenueOrder, lots: int) -> None:
        """Book a fill the way a venue's own back office does."""
        order.cum_lots += lots
        self.net_lots += order.side * lots
        self.cash_ticklots -= order.side * lots * order.price_ticks


class CoreAgainstVenue(RuleBasedStateMachine):
    """Each step is one block: time, market, answers in any order among orders, wishes; then all checks."""

    @initialize(
        policy=st.sampled_from(ReplacePolicy),
        post_only=st.sampled_from(PostOnlyMode),
        limited=st.sampled_from((True, True, False)),
    )
    def start(self, policy: ReplacePolicy, post_only: PostOnlyMode, limited: bool) -> None:
        self.session = Session(
            instrument=LINEAR,
            levels_per_side=LEVELS,
            policy=policy,
            post_only_mode=post_only,
            position_lots_max=POSITION_MAX,
            gross_notional_max=GROSS_MAX,
            active_quotes_max=QUOTES_MAX,
        )
        self.limited = limited
        if limited:
            self.session.rate(
                orders=(INTERVAL_NS, BURSTS[CommandKind.NEW]),
                cancels=(INTERVAL_NS, BURSTS[CommandKind.CANCEL]),
            )
        self.venue = Venue()

    # --- what happens in one block

    @rule(
        data=st.data(),
        ns=st.sampled_from(STEPS_NS),
        touch=TOUCHES,
        wishes=st.lists(WISHES, min_size=0, max_size=4),
    )
    def block(
        self, data: st.DataObject, ns: int, touch: tuple[int, int] | None, wishes: list[tuple[Any, ...]]
    ) -> None:
        self.session.advance(ns)
        if touch is not None:
            self.session.touch(*touch)
        open_orders = [order for order in self.venue.orders.values() if order.open or order.late_lots]
        for order in data.draw(st.permutations(open_orders)):
            answer = data.draw(st.sampled_from(lawful_answers(order)))
            if answer != "silent":
                getattr(self, answer)(order, data)
        for wish in wishes:
            self.wish(wish)
        self.close()

    def wish(self, wish: tuple[Any, ...]) -> None:
        ask, side, level, away, lots, tif = wish
        price = (1000 if side == BUY else 1010) - side * away
        match ask:
            case "quote":
                self.session.quote(side, price, lots, level, tif=tif)
            case "new":
                self.session.new(side, price, lots, level, tif=tif)
            case "replace":
                self.session.replace(side, price, lots, level, tif=tif)
            case "cancel":
                self.session.cancel(side, level)
            case "market":
                self.session.market(side, lots, level)
            case "nothing":
                self.session.quote(side, 0, 0, level)

    def close(self) -> None:
        commands = self.session.decide()
        for command in commands:
            self.venue.take(command, self.session.now_ns)
        check_promises(self.session, self.venue, commands)

    # --- what a venue may say

    def acknowledge(self, order: VenueOrder, data: Any) -> None:
        order.acknowledged = True
        self.session.ack(order.order_id)

    def reject(self, order: VenueOrder, data: Any) -> None:
        order.gone, order.leaves_lots = True, 0
        self.session.rejected(order.order_id)

    def fill(self, order: VenueOrder, data: Any) -> None:
        lots = data.draw(st.integers(1, order.leaves_lots))
        order.leaves_lots -= lots
        self.report_fill(order, lots)

    def report_fill(self, order: VenueOrder, lots: int) -> None:
        self.venue.trade(order, lots)
        self.session.fill(order.order_id, lots, order.price_ticks)

    def late_fill(self, order: VenueOrder, data: Any) -> None:
        lots, order.late_lots = order.late_lots, 0
        self.report_fill(order, lots)

    def cancel(self, order: VenueOrder, data: Any) -> None:
        self.end(order, data)
        self.session.canceled(order.order_id)

    def expire(self, order: VenueOrder, data: Any) -> None:
        self.end(order, data)
        self.session.expired(order.order_id)

    def end(self, order: VenueOrder, data: Any) -> None:
        """The order goes; some of it may have traded before, and is reported later."""
        order.gone = True
        order.late_lots = data.draw(st.sampled_from((0, 0, 0, 1, order.leaves_lots)))
        order.leaves_lots = 0

    def refuse_cancel(self, order: VenueOrder, data: Any) -> None:
        order.cancel_asked = False
        self.session.cancel_rejected(order.order_id)

    # --- the end

    def teardown(self) -> None:
        if not hasattr(self, "venue"):
            return
        self.close()
        for _ in range(400):  # a quiet venue answers everything, and nobody asks for more
            for order in self.venue.orders.values():
                settle(self.session, self.venue, order)
            self.session.view.cancel_all()
            self.session.advance(INTERVAL_NS)
            self.close()
            if self.session.session["live_count"] == 0 and not self.session.session["held_count"]:
                break
        self.session.finish()
        check_history(self.session, self.venue, self.limited)


def lawful_answers(order: VenueOrder) -> list[str]:
    if order.gone:
        return ["late_fill", "silent"]
    answers = ["silent", "silent", "silent", "fill", "expire"]
    if order.cancel_asked:
        answers += ["cancel", "cancel", "cancel", "cancel", "refuse_cancel"]
    if not order.acknowledged:
        answers += ["acknowledge"] * 6
    if not order.acknowledged and not order.cum_lots:
        answers.append("reject")
    return answers


def settle(session: Session, venue: Venue, order: VenueOrder) -> None:
    """Answer what is open about an order."""
    if order.late_lots:
        venue.trade(order, order.late_lots)
        session.fill(order.order_id, order.late_lots, order.price_ticks)
        order.late_lots = 0
    elif order.open and not order.acknowledged:
        order.acknowledged = True
        session.ack(order.order_id)
    elif (
        order.open and session.view.order(order.side, int(session.order(order.order_id)["slot"]) // 2) is None
    ):
        order.gone, order.leaves_lots = True, 0
        session.expired(order.order_id)
    elif order.open and order.cancel_asked:
        order.gone, order.leaves_lots = True, 0
        session.canceled(order.order_id)


def check_promises(session: Session, venue: Venue, commands: list[Command]) -> None:
    state, position = session.state, session.position
    live = [order for order in state.orders if order["order_id"] and order["status"] not in TERMINAL]
    for order in live:
        assert order["cum_lots"] + order["leaves_lots"] == order["order_lots"]
        assert order["leaves_lots"] > 0
        assert order["cum_lots"] >= 0
    assert len(live) == session.session["live_count"] == position["open_count"] <= QUOTES_MAX
    check_orders_agree(session, venue)
    check_running_sums(session, live)
    assert (position["net_lots"], position["cash_ticklots"]) == (venue.net_lots, venue.cash_ticklots)
    check_worst_case(session, live, commands)
    bids = [int(order["price_ticks"]) for order in live if order["side"] == BUY]
    asks = [int(order["price_ticks"]) for order in live if order["side"] == SELL]
    assert not bids or not asks or max(bids) < min(asks), "our own orders cross"
    check_outbox(session)
    assert not session.state.losses[0]["halted"], "a lawful venue is no anomaly"


def check_orders_agree(session: Session, venue: Venue) -> None:
    """The core knows what the venue said, and nothing else."""
    for order in venue.orders.values():
        ours = session.order(order.order_id)
        assert ours["cum_lots"] == order.cum_lots
        assert (ours["status"] not in TERMINAL) == order.open
        if order.open:
            assert ours["leaves_lots"] == order.leaves_lots
            assert bool(ours["pending"] & 1) == (not order.acknowledged and not order.cum_lots)
            assert bool(ours["pending"] & 4) == order.cancel_asked
        else:
            assert ours["pending"] == 0


def check_running_sums(session: Session, live: list[Any]) -> None:
    for side, name in ((BUY, "buy"), (SELL, "sell")):
        lots = sum(int(order["leaves_lots"]) for order in live if order["side"] == side)
        notional = sum(
            int(order["leaves_lots"] * order["price_ticks"]) for order in live if order["side"] == side
        )
        for slot in session.state.slots[session.state.slots["side"] == side]:
            assert slot["held"] or not slot["reserved_lots"]
            lots += int(slot["reserved_lots"])
            notional += int(slot["reserved_lots"] * slot["reserved_ticks"])
        assert session.position[f"open_{name}_lots"] == lots
        assert session.position[f"open_{name}_notional"] == notional


def check_worst_case(session: Session, live: list[Any], commands: list[Command]) -> None:
    """What was sent fits the limits together with everything that may still trade."""
    sent = [command for command in commands if command.kind == CommandKind.NEW]
    for side in {command.side for command in sent}:
        worst = side * session.net_lots + sum(
            int(order["leaves_lots"]) for order in live if order["side"] == side
        )
        assert worst <= POSITION_MAX
    reducing = [
        bool(event["flags"] & EventFlag.REDUCING)
        for event in session.log[-20 * len(sent) :]
        if event["kind"] == EventKind.SENT and event["order_id"] in {command.order_id for command in sent}
    ]
    if sent and not any(reducing):
        held = abs(session.net_lots) * int(session.state.books[0]["mark_halfticks"])
        open_notional = sum(int(order["leaves_lots"] * order["price_ticks"]) for order in live)
        assert held + 2 * open_notional <= 2 * GROSS_MAX


def check_outbox(session: Session) -> None:
    slots = session.state.slots
    chain, at = [], int(session.session["held_head"])
    while at >= 0:
        chain.append(at)
        at = int(slots[at]["next_slot"])
    assert sorted(chain) == [index for index, slot in enumerate(slots) if slot["held"]]
    assert len(chain) == session.session["held_count"]
    waits_for_token = any(slots[index]["held_code"] == 1 for index in chain)  # HoldCode.RATE_LIMIT
    if waits_for_token:
        assert session.now_ns < session.next_send_ns < NEVER, "what waits for a token has a wake time"


def check_history(session: Session, venue: Venue, limited: bool) -> None:
    assert session.session["held_count"] == 0, "a wish waits for ever"
    assert session.session["live_count"] == 0
    for name in ("open_buy_lots", "open_sell_lots", "open_buy_notional", "open_sell_notional", "open_count"):
        assert session.position[name] == 0
    terminal = [int(status) for status in TERMINAL]
    ends = dict.fromkeys(venue.orders, 0)
    for event in session.log:
        if event["kind"] in (EventKind.STATUS, EventKind.FILL, EventKind.VENUE_REJECT):
            ended = event["status_from"] not in terminal and event["status_to"] in terminal
            ends[int(event["order_id"])] += int(ended)
    assert set(ends.values()) <= {1}, "every order ends exactly once"
    for seq, how in intent_ends(session.log).items():
        assert len(how) == 1, f"intent seq={seq} ended {how}"
    if limited:
        for kind, burst in BURSTS.items():
            check_rate(venue.sent_ns[kind], burst)


def check_rate(times_ns: list[int], burst: int) -> None:
    """Over any window of length T at most burst + T / interval requests leave."""
    for first, start_ns in enumerate(times_ns):
        for last in range(first, len(times_ns)):
            count = last - first + 1
            assert count <= burst + (times_ns[last] - start_ns) // INTERVAL_NS


TestCoreAgainstVenue = CoreAgainstVenue.TestCase
TestCoreAgainstVenue.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
