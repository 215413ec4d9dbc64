"""Random sessions. The twin runs while a script is drawn, so that the venue answers what it was really asked."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from semantics.harness import START_NS

from trading_platform.model.enums import (
    IntentKind,
    OrderStatus,
    OrderType,
    Pending,
    PostOnlyMode,
    ReplacePolicy,
    ReportKind,
    TimeInForce,
)

from .script import (
    BUY,
    COIN_MARGINED,
    PLAIN,
    SECOND_NS,
    SELL,
    UNLIMITED,
    WITH_FEES,
    Block,
    Contract,
    Limits,
    Rate,
    Report,
    Script,
    Setup,
    Slot,
    Touch,
    Wish,
)
from .twin import Order, Twin

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]
Q, N, M, C = IntentKind.QUOTE, IntentKind.NEW, IntentKind.REPLACE, IntentKind.CANCEL
ORDERS_MAX: Final = 512
BLOCKS: Final = st.integers(2, 12)
RECENT: Final = 6
UNKNOWN_ID: Final = 900


def rarely(value: int, else_value: int = UNLIMITED) -> tuple[int, ...]:
    """Return options of which one in five is the value."""
    return (else_value,) * 4 + (value,)


# what is drawn together is one draw: drawing costs more than playing
SHAPES: Final = tuple(product((1, 1, 1, 2), (1, 1, 2), ReplacePolicy))  # instruments, levels, replace policy
MODES: Final = tuple(
    product(("estimate", "best_level", "deny"), PostOnlyMode, (10**7, 0), (True,) * 15 + (False,))
)
RATES: Final = tuple(
    product((None, None, Rate(SECOND_NS, 1), Rate(SECOND_NS, 2), Rate(SECOND_NS // 3 + 1, 3)), repeat=2)
)
WATCHES: Final = tuple(product((0, 0, 2 * SECOND_NS), (False, True)))  # ack timeout, audit
VENUES: Final = tuple(product((True, True, False), (True, False)))  # lawful, drained
PACES: Final = tuple(  # time that passes, whether the market moves, whether all is to be canceled
    product(
        (0, 1, SECOND_NS // 3, SECOND_NS - 1, SECOND_NS, 3 * SECOND_NS),
        (False, False, True),
        (False,) * 12 + (True,),
    )
)
COUNTS: Final = tuple(product((1, 2, 0, 3, 4), (1, 2, 0, 3)))  # wishes, reports
LOSSES: Final = tuple(product((UNLIMITED, UNLIMITED, 40 * 10**9), (0, 0, 0, SECOND_NS // 50, SECOND_NS)))
LOTS: Final = (1, 2, 3, 4, 5, 8)
# from the first touch outwards; below 0 it crosses
AWAY_TICKS: Final = (0, 0, 1, 2, 2, 5, 5, 9, -3, -5, -10, -12, 400, 505)
OFFERS: Final = tuple(product(AWAY_TICKS, LOTS))
REMARKS: Final = tuple(product((0, 0, 1, 2, 3), (0, 1)))  # time in force, tag
ASKS: Final = tuple(  # what is asked, whether for the slot of the wish before
    product(
        ("quote", "new") * 6
        + ("replace",) * 4
        + ("again", "cancel") * 3
        + ("market", "nothing") * 2
        + ("odd",),
        (False, True),
    )
)
ODD: Final = tuple(
    product(
        (Q, N, M),
        (("lots", 0), ("lots", -3), ("lots", 10**12), ("tif", 9), ("tif", -1), ("order_type", 5)),
    )
)
# bid and spread; 0 is an empty side
TOUCHES: Final = tuple(product((1000, 998, 1003, 994, 960, 0), (10, 5, 1, 40, 0)))
SHOWN_LOTS: Final = tuple(product((100, 3, 1, 0), repeat=2))


@cache
def among(options: tuple[T, ...]) -> st.SearchStrategy[T]:
    """Return the strategy that picks one: made once, for making it costs more than drawing from it."""
    return st.sampled_from(options)


def setup_of(draw: Draw) -> Setup:
    """Draw what a session is configured with."""
    contract = draw(among((PLAIN, PLAIN, WITH_FEES, COIN_MARGINED)))
    instruments, levels, policy = draw(among(SHAPES))
    taker_sweeps, post_only_mode, collar_e9, trading_enabled = draw(among(MODES))
    order_rate, cancel_rate = draw(among(RATES))
    ack_timeout_ns, audit = draw(among(WATCHES))
    return Setup(
        contract=contract,
        instruments=instruments,
        levels=levels,
        policy=policy,
        taker_sweeps=taker_sweeps,
        limits=replace(
            limits_of(draw, contract),
            post_only_mode=post_only_mode,
            market_collar_e9=collar_e9,
            trading_enabled=trading_enabled,
        ),
        order_rate=order_rate,
        cancel_rate=cancel_rate,
        ack_timeout_ns=ack_timeout_ns,
        audit=audit,
    )


def limits_of(draw: Draw, contract: Contract) -> Limits:
    """Draw limits near to what the wishes of a session come to."""
    price = 1 if contract.inverse else 1000
    lots_max, order_min, order_max = draw(sizes_of_orders(price))
    position_max, gross_max = draw(sizes_of_positions(price))
    quote_gross_max, quote_net_max, quotes_max = draw(sizes_of_quotes(price))
    drawdown_max, rolling_bucket_ns = draw(among(LOSSES))
    return Limits(
        order_lots_max=lots_max,
        order_notional_min=order_min,
        order_notional_max=order_max,
        position_lots_max=position_max,
        gross_notional_max=gross_max,
        quote_gross_notional_max=quote_gross_max,
        quote_net_notional_max=quote_net_max,
        active_quotes_max=quotes_max,
        drawdown_money_max=drawdown_max,
        rolling_loss_money_max=20 * 10**9 if rolling_bucket_ns else UNLIMITED,
        rolling_bucket_ns=rolling_bucket_ns,
    )


@cache
def sizes_of_orders(price: int) -> st.SearchStrategy[tuple[int, ...]]:
    return among(tuple(product(rarely(7, 10**9), rarely(2 * price + 1, 0), rarely(4 * price))))


@cache
def sizes_of_positions(price: int) -> st.SearchStrategy[tuple[int, ...]]:
    return among(tuple(product((UNLIMITED, 12, 9, 5), rarely(9 * price))))


@cache
def sizes_of_quotes(price: int) -> st.SearchStrategy[tuple[int, ...]]:
    return among(tuple(product(rarely(9 * price), rarely(6 * price), rarely(1))))


@st.composite
def scripts(draw: Draw) -> Script:
    """Draw a session: one in three has a venue that also says what must never be said."""
    setup = setup_of(draw)
    lawful, drained = draw(among(VENUES))
    twin = Twin(setup, START_NS, ORDERS_MAX)
    blocks = [Block(touches=tuple(Touch(1000, 1010, instrument=at) for at in range(setup.instruments)))]
    run(twin, blocks[0])
    for _ in range(draw(BLOCKS)):
        blocks.append(block_of(draw, twin, lawful, blocks))
        run(twin, blocks[-1])
    if drained:
        blocks += drain(twin)
    last = Block() if drained else block_of(draw, twin, lawful, blocks)
    return Script(setup, tuple(blocks), last, lawful, drained)


def run(twin: Twin, block: Block) -> None:
    twin.fold(block)
    twin.decide(block.wishes, block.cancel_all)


def block_of(draw: Draw, twin: Twin, lawful: bool, blocks: list[Block]) -> Block:
    """Draw what happens after these blocks."""
    setup, earlier = twin.setup, [wish for block in blocks[-3:] for wish in block.wishes]
    after_ns, moves, cancel_all = draw(among(PACES))
    wishes, reports = draw(among(COUNTS))
    return Block(
        after_ns=after_ns,
        touches=(touch_of(draw, setup),) if moves else (),
        reports=(*lawful_reports(draw, twin, reports), *(() if lawful else odd_reports(draw, twin))),
        wishes=wishes_of(draw, twin, wishes, earlier),
        cancel_all=cancel_all,
    )


def touch_of(draw: Draw, setup: Setup) -> Touch:
    bid, spread = draw(among(TOUCHES))
    bid_lots, ask_lots = draw(among(SHOWN_LOTS))
    instrument = draw(among(tuple(range(setup.instruments)))) if setup.instruments > 1 else 0
    return Touch(bid, (bid or 1000) + spread if spread else 0, bid_lots, ask_lots, instrument)


def wishes_of(draw: Draw, twin: Twin, count: int, earlier: list[Wish]) -> tuple[Wish, ...]:
    """Draw what is asked in one block: often for slots in use, several times for one slot, or once more."""
    used = [slot for slot, place in twin.places.items() if place.order or place.waiting]
    slots = (*twin.places, *used * 2)
    wishes: list[Wish] = []
    earlier = earlier[-RECENT:]
    for _ in range(count):
        ask, same = draw(among(ASKS))
        if ask == "again" and earlier:
            wishes.append(draw(among(tuple(earlier))))
            continue
        slot = wishes[-1].slot if wishes and same else draw(among(slots))
        wishes.append(wish_of(draw, ask, slot))
    return tuple(wishes)


def wish_of(draw: Draw, ask: str, slot: Slot) -> Wish:
    """Draw a wish; some are malformed, as a strategy's may be."""
    kind = {"quote": Q, "nothing": Q, "replace": M, "cancel": C}.get(ask, N)
    asked = Wish(kind, slot.side, slot.level, instrument=slot.instrument)
    if kind == C:
        return asked
    tif, tag = draw(among(REMARKS))
    asked = replace(asked, tif=tif, tag=tag)
    if ask == "nothing":
        return asked
    away_ticks, lots = draw(among(OFFERS))
    if ask == "market":
        return replace(asked, lots=lots, tif=TimeInForce.IOC, order_type=OrderType.MARKET)
    asked = replace(asked, ticks=(1000 if slot.side == BUY else 1010) - slot.side * away_ticks, lots=lots)
    if ask == "odd":
        kind, (name, value) = draw(among(ODD))
        asked = replace(asked, kind=kind, **{name: value})
    return asked


# --- the venue


def lawful_reports(draw: Draw, twin: Twin, count: int) -> tuple[Report, ...]:
    """Draw the answers of a venue that says nothing impossible: one answer an order, of one or two reports."""
    orders = list(twin.orders.values())
    if not orders or not count:
        return ()
    reports: list[Report] = []
    answered: set[int] = set()
    likely = (twin.live_orders() * 4 + orders[-RECENT:])[:30]
    for _ in range(count):
        order = likely[draw(among(tuple(range(len(likely)))))]
        if order.order_id not in answered:
            answered.add(order.order_id)
            reports += answer(draw, order)
    return tuple(reports)


def answer(draw: Draw, order: Order) -> list[Report]:
    """Draw what the venue may say about an order as it is now."""
    left = order.leaves_lots if order.live else order.order_lots - order.cum_lots
    reports = []
    for kind in draw(among(lawful_kinds(order))):
        if kind in ("part", "whole"):
            lots = draw(among(tuple(range(1, left)))) if kind == "part" and left > 1 else left
            if lots > 0:  # overfilled already
                reports.append(
                    Report(ReportKind.FILL, order.order_id, lots, order.ticks, draw(among((True, False))))
                )
        elif kind == ReportKind.REPLACED:
            reports.append(Report(kind, order.order_id, draw(among(LOTS)), 1000 - order.slot.side * 2))
        else:
            reports.append(Report(kind, order.order_id, code=7 if "REJECTED" in kind.name else 0))
    return reports


def lawful_kinds(order: Order) -> tuple[tuple[Any, ...], ...]:
    """Return the answers to choose from; what is likely stands there more than once."""
    ack, late_refusal = (ReportKind.ACK,), (ReportKind.CANCEL_REJECTED,)
    if order.status == OrderStatus.REJECTED:
        return (late_refusal,)
    if order.status == OrderStatus.FILLED:
        return (ack, late_refusal)
    if not order.live:
        return (ack, late_refusal, ("part",), ("whole",))
    kinds: list[tuple[Any, ...]] = [("part",), ("part",), ("whole",), (ReportKind.EXPIRED,), ack]
    if order.pending & Pending.NEW:
        kinds += [ack] * 6 + [(ReportKind.REJECTED,), ("part", *ack), (ReportKind.CANCELED,)]
    if order.pending & Pending.CANCEL:
        kinds += [(ReportKind.CANCELED,)] * 5 + [late_refusal] * 3
        kinds += [("part", ReportKind.CANCELED)] if order.leaves_lots > 1 else []
        kinds += [("whole", *late_refusal), (ReportKind.EXPIRED, *late_refusal)]
    if order.pending & Pending.REPLACE:
        kinds += [(ReportKind.REPLACED,), (ReportKind.REPLACE_REJECTED,)]
    return tuple(kinds)


def odd_reports(draw: Draw, twin: Twin) -> tuple[Report, ...]:
    """Draw a report of any kind about any order, ours or not: late, duplicate, impossible, too much."""
    if not twin.orders or not draw(among((False, False, True))):
        return ()
    kind = draw(among(tuple(ReportKind)))
    order_id = draw(among((UNKNOWN_ID, *list(twin.orders)[-RECENT:] * 4)))
    report = Report(kind, order_id)
    if kind in (ReportKind.FILL, ReportKind.REPLACED):
        report = replace(report, lots=draw(among(LOTS)), ticks=draw(among((1000, 1005, 1010))))
    if order_id == UNKNOWN_ID:
        instrument = draw(among(tuple(range(twin.setup.instruments))))
        report = replace(report, side=draw(among((BUY, SELL))), instrument=instrument)
    count: int = draw(among((1, 1, 2)))
    return (report,) * count


def drain(twin: Twin) -> list[Block]:
    """Return blocks in which the venue answers everything, and nobody asks for more, until nothing is left."""
    blocks: list[Block] = []
    while twin.live_orders() or twin.queue:
        assert len(blocks) < 60, "something waits for ever"
        reports = []
        for order in twin.live_orders():
            if order.pending & Pending.NEW:
                reports.append(Report(ReportKind.ACK, order.order_id))
            elif order.pending & Pending.CANCEL:
                reports.append(Report(ReportKind.CANCELED, order.order_id))
        blocks.append(Block(after_ns=1000 * SECOND_NS, reports=tuple(reports), cancel_all=True))
        run(twin, blocks[-1])
    return blocks
