"""The story of an order leaves nothing out, tells times exactly, and says everything in words."""

import numpy as np
import pytest
from semantics.harness import BUY, MILLI_NS, POST_ONLY, SELL, Session

from tests.eventlog.builders import INVERSE, LINEAR, SECOND_NS, Life, every_kind, long_life
from trading_platform.eventlog.export import LogNames, to_rows
from trading_platform.eventlog.schema import EventArray, kinds_written
from trading_platform.model.enums import (
    DenyCode,
    EventFlag,
    EventKind,
    HoldCode,
    IntentKind,
    OrderType,
    ReplacePolicy,
    Side,
    TimeInForce,
)
from trading_platform.model.errors import EventLogError
from trading_platform.model.ids import first_order_id
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import EVENT
from trading_platform.report.order_list import (
    DENIAL_SORTS,
    ORDER_SORTS,
    Selection,
    denial_totals,
    denials_frame,
    order_rows,
    order_totals,
    select_denials,
    select_orders,
)
from trading_platform.report.orders import orders_frame
from trading_platform.report.story import OrderStory, find_order_id, order_range, order_story, story_rows
from trading_platform.report.units import (
    Units,
    clock_text,
    slot_index,
    slot_name,
    span_text,
    start_ns,
)
from trading_platform.report.words import (
    COUNT_RULES,
    NOTIONAL_RULES,
    PRICE_RULES,
    QTY_RULES,
    denial_text,
    denial_values,
    event_words,
)

NAMES = LogNames(("BTCUSDT",), ("0",), ("test",))


def log_of(session: Session) -> EventArray:
    return np.array(session.log, EVENT)


def story_of(session: Session, order_id: int) -> OrderStory:
    return order_story(log_of(session), [LINEAR], order_id)


def texts(story: OrderStory) -> list[str]:
    return [line.text for line in story.lines]


# --- what belongs to it


def test_replaced_order_is_told_from_its_wish_to_what_took_its_place() -> None:
    session = Session()
    session.advance(SECOND_NS)
    first = session.place(BUY, 999, 10, tif=POST_ONLY)
    session.advance(20 * MILLI_NS)
    session.ack(first)
    session.decide()
    session.advance(SECOND_NS)
    session.replace(BUY, 998, 10, tif=POST_ONLY)
    session.decide()
    session.advance(20 * MILLI_NS)
    session.canceled(first)
    (new,) = session.decide()
    session.advance(20 * MILLI_NS)
    session.ack(new.order_id)
    session.decide()
    story = story_of(session, first)

    assert texts(story) == [
        "the strategy asked: buy 0.010 BTC at 99.9 post-only",
        "sent to the venue: buy 0.010 BTC at 99.9 post-only",
        "acknowledged after 20.0 ms (at the venue after 20.0 ms)",
        "the strategy asked: replace by buy 0.010 BTC at 99.8 post-only",
        "cancel sent to the venue: first half of the replace",
        "waits for the venue's answer to the request in flight",
        "canceled after 20.0 ms (at the venue after 20.0 ms)",
        f"order {new.order_id} sent in its place: buy 0.010 BTC at 99.8 post-only",
        f"replaced: order {new.order_id} took its place",
    ]
    since = [line.since_previous_ns // MILLI_NS for line in story.lines]
    assert since == [0, 0, 20, 1000, 0, 0, 20, 0, 20]
    assert story.lines[-1].since_intent_ns == 1060 * MILLI_NS
    assert (story.replaces, story.replaced_by, story.slot) == ((), (new.order_id,), "buy0")

    child = story_of(session, new.order_id)
    assert (child.replaces, child.replaced_by) == ((first,), ())
    assert texts(child)[:2] == [
        "the strategy asked: replace by buy 0.010 BTC at 99.8 post-only",
        f"cancel of order {first} sent: first half of the replace",
    ]
    assert texts(child)[-1] == f"took the place of order {first}"


def test_fills_tell_price_role_what_is_left_and_the_position() -> None:
    session = Session()
    order = session.rest(SELL, 1010, 10)
    session.fill(order, 4, 1010)
    session.decide()
    session.fill(order, 6, 1011, maker=False)
    session.decide()

    assert texts(story_of(session, order))[-2:] == [
        "filled 0.004 at 101.0 as maker, 0.006 left, position -0.004",
        "filled 0.006 at 101.1 as taker, nothing left, position -0.010",
    ]


def test_every_event_of_every_order_is_in_its_story_and_times_add_up() -> None:
    seed = 11
    print(f"seed {seed}")
    events = long_life(150, seed=seed).events()
    for order_id in np.unique(events["order_id"][events["order_id"] > 0]):
        story = order_story(events, [LINEAR], int(order_id))
        told = {line.seq for line in story.lines}
        own = events[events["order_id"] == order_id]
        causes = set(own["cause_seq"].tolist()) & set(
            events["seq"][events["kind"] == EventKind.INTENT].tolist()
        )
        assert set(own["seq"].tolist()) | causes <= told
        assert [line.seq for line in story.lines] == sorted(told)
        total_ns = 0
        for line in story.lines:
            total_ns += line.since_previous_ns
            assert line.since_intent_ns == total_ns
            assert line.now_ns == events["now_ns"][line.index]
            assert events["seq"][line.index] == line.seq


def test_wishes_about_the_order_are_told_with_their_denials_and_repeats() -> None:
    session = Session(position_lots_max=10)
    order = session.rest(BUY, 1000, 10)
    for _ in range(5):
        session.quote(BUY, 999, 11)
        session.decide()
    session.finish()

    assert texts(story_of(session, order))[-3:] == [
        "the strategy asked: quote buy 0.011 BTC at 99.9",
        "denied POSITION: position could reach 0.011 BTC, limit 0.010 BTC",
        "denied in the same way 4 more times",
    ]


def test_wishes_that_gave_way_before_it_are_counted_with_their_time() -> None:
    """An order that was sent late was often asked for early: the rate limit held it back."""
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.place(SELL, 1010, 1)
    for ticks in (990, 991, 992):
        session.advance(100 * MILLI_NS)
        session.quote(BUY, ticks, 5)
        session.decide()
    session.advance(SECOND_NS)
    (sent,) = session.decide()
    story = story_of(session, sent.order_id)

    assert sent.price_ticks == 992
    assert (story.earlier_wishes, story.earlier_ns) == (2, 200 * MILLI_NS)
    assert texts(story) == [
        "the strategy asked: quote buy 0.005 BTC at 99.2",
        "waits for the rate limit, for 700.0 ms at least",
        "sent to the venue: buy 0.005 BTC at 99.2",
    ]


def test_at_once_both_halves_of_a_replace_are_in_both_stories() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    new = session.decide()[-1].order_id
    session.fill(old, 5, 1000)
    session.decide()

    assert f"order {new} sent in its place: buy 0.005 BTC at 99.9" in texts(story_of(session, old))
    assert texts(story_of(session, old))[-1].startswith("filled 0.005 at 100.0")
    assert texts(story_of(session, new))[1] == f"cancel of order {old} sent: first half of the replace"


def test_halt_during_its_life_is_part_of_the_story() -> None:
    session = Session(drawdown_money_max=10)
    order = session.rest(BUY, 990, 5)
    session.fill(session.rest(BUY, 1000, 5, level=1), 5, 1000)
    session.decide()
    session.touch(900, 910)
    session.decide()
    session.canceled(order)
    session.decide()
    told = texts(story_of(session, order))

    assert any(text.startswith("trading halted, DRAWDOWN: ") for text in told), told
    assert "cancel sent to the venue" in told
    assert told[-1].startswith("canceled after ")


def test_refusals_of_the_venue_and_late_answers_are_told() -> None:
    session = Session()
    order = session.rest(BUY, 1000, 5)
    session.ack(order)
    session.decide()
    session.cancel(BUY)
    session.decide()
    session.cancel_rejected(order)
    session.decide()
    rejected = session.place(SELL, 1020, 5)
    session.rejected(rejected)
    session.decide()

    told = texts(story_of(session, order))
    assert "acknowledged after 0 s (at the venue after 0 s): changes nothing any more" in told
    assert told[-1] == "the venue refused the cancel (its code 8): the order stays as it was"
    assert texts(story_of(session, rejected))[-1] == "rejected by the venue (its code 7)"


def test_cancel_that_nobody_here_asked_for_is_the_venues() -> None:
    session = Session()
    order = session.rest(BUY, 1000, 5)
    session.canceled(order)
    session.decide()

    assert texts(story_of(session, order))[-1] == "canceled by the venue: nothing here asked for it"


# --- words


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_every_event_has_words_of_its_own_kind(instrument: Instrument) -> None:
    """No kind that concerns an order falls through to another's words."""
    events = every_kind().events()
    units = Units(instrument)
    by_kind: dict[EventKind, str] = {}
    for event in events:
        cause = events[event["cause_seq"] - 1] if event["cause_seq"] else None
        if event["kind"] in TOLD:
            by_kind.setdefault(EventKind(int(event["kind"])), event_words(event, cause, 1, units))
    assert set(by_kind) == TOLD
    assert len(set(by_kind.values())) == len(TOLD)


UNTOLD = {
    EventKind.OPENING,
    EventKind.POSITION,
    EventKind.PNL,
    EventKind.TIMER,
    EventKind.TOUCH,
    EventKind.CONNECTION,
}
TOLD = set(kinds_written()) - UNTOLD


@pytest.mark.parametrize("code", [code for code in DenyCode if code])
def test_every_denial_is_told_in_words_with_its_numbers(code: DenyCode) -> None:
    event = np.zeros(1, EVENT)[0]
    event["kind"], event["code"], event["a"], event["b"] = EventKind.DENIED, code, 3, 2
    text = denial_text(event, Units(LINEAR))

    assert text.startswith(f"{code.name}: ")
    assert "{" not in text
    assert "None" not in text
    numbers = PRICE_RULES | QTY_RULES | NOTIONAL_RULES | COUNT_RULES
    for value in (3, 2):
        said = denial_values(code, value, Units(LINEAR))
        assert (said is not None) == (code in numbers)
        assert said is None or said in text


@pytest.mark.parametrize("code", [HoldCode.RATE_LIMIT, HoldCode.IN_FLIGHT])
def test_waiting_says_what_for(code: HoldCode) -> None:
    event = np.zeros(1, EVENT)[0]
    event["kind"], event["code"], event["now_ns"] = EventKind.QUEUED, code, 10
    plain = event_words(event, None, 1, Units(LINEAR))
    event["a"] = 10 + 3 * MILLI_NS
    assert event_words(event, None, 1, Units(LINEAR)) == f"{plain}, for 3.0 ms at least"


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (IntentKind.CANCEL, {"tag": 7}, "the strategy asked: cancel (tag 7)"),
        (IntentKind.QUOTE, {}, "the strategy asked: quote nothing here"),
        (
            IntentKind.NEW,
            {"qty_lots": 5, "order_type": OrderType.MARKET, "tif": TimeInForce.IOC},
            "the strategy asked: sell 0.005 BTC at the market immediate-or-cancel",
        ),
    ],
)
def test_wishes_without_a_price_say_so(kind: IntentKind, fields: dict[str, int], text: str) -> None:
    event = np.zeros(1, EVENT)[0]
    event["kind"], event["a"], event["side"] = EventKind.INTENT, kind, Side.SELL
    for name, value in fields.items():
        event[name] = value
    assert event_words(event, None, 1, Units(LINEAR)) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (999, "0.999 us"),
        (20_000_000, "20.0 ms"),
        (1_240_000_000, "1.240 s"),
        (123_000_000_000, "2 min 3.0 s"),
        (3_720_000_000_000, "1 h 2 min"),
        (-20_000_000, "-20.0 ms"),
    ],
)
def test_spans_have_the_unit_that_fits(ns: int, text: str) -> None:
    assert span_text(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(87_999_999, "0:00.087"), (3_723_456_789_012, "1:02:03.456"), (-1_500_000_000, "-0:01.500")],
)
def test_clock_is_cut_off_not_rounded(ns: int, text: str) -> None:
    """A rounded time could name a moment before which the event has not happened."""
    assert clock_text(ns) == text


def test_slots_are_sides_and_levels() -> None:
    assert [slot_name(slot) for slot in range(4)] == ["buy0", "sell0", "buy1", "sell1"]
    for slot in range(50):
        name = slot_name(slot)
        assert slot_index(name.rstrip("0123456789"), int(name.lstrip("buysel"))) == slot


def test_clock_starts_at_the_first_event_that_has_a_time() -> None:
    events = np.zeros(3, EVENT)
    assert start_ns(events) == 0
    events["now_ns"][1:] = 7, 9
    assert start_ns(events) == 7
    assert start_ns(np.zeros(0, EVENT)) == 0


# --- ids


def test_an_order_is_found_by_its_short_id_and_by_its_full_one() -> None:
    session = Session()
    session.session["order_id_last"] = first_order_id(3)
    orders = [session.rest(BUY, 1000, 5), session.rest(SELL, 1010, 5)]
    events = log_of(session)

    assert orders[0] == (3 << 40) + 1
    for short, full in enumerate(orders, 1):
        assert find_order_id(events, short) == find_order_id(events, full) == full
    assert order_range(events) == (1, 2)
    for absent in (3, (3 << 40) + 3, (2 << 40) + 1):
        assert find_order_id(events, absent) is None


def test_log_without_orders_has_no_range_and_no_story() -> None:
    life = Life()
    life.opening()
    assert order_range(life.events()) is None
    with pytest.raises(EventLogError, match="order 1 must be in the log"):
        order_story(life.events(), [LINEAR], 1)


def test_rows_for_machines_carry_the_events_as_export_writes_them() -> None:
    events = every_kind().events()
    story = order_story(events, [LINEAR], 1)
    rows = story_rows(story, events, NAMES)
    exported = {row["seq"]: row for row in to_rows(events, NAMES)}

    assert rows["order_id"] == rows["short_id"] == 1
    assert [line["event"] for line in rows["lines"]] == [exported[line.seq] for line in story.lines]
    assert [line["text"] for line in rows["lines"]] == texts(story)


# --- lists


def test_selections_agree_with_a_plain_loop_over_the_rows() -> None:
    seed = 5
    print(f"seed {seed}")
    events = long_life(120, seed=seed).events()
    orders = orders_frame(events, [LINEAR])
    middle_ns = int(events["now_ns"][len(events) // 2])
    wanted = Selection(
        statuses=("FILLED",),
        causes=("FILLED", "REPLACED"),
        sides=("BUY",),
        slots=(0,),
        from_ns=middle_ns,
        to_ns=middle_ns + 30 * SECOND_NS,
        min_lots=3,
    )
    sent = dict(zip(orders["order_id"], orders["sent"].cast(int), strict=True))
    expected = [
        row["order_id"]
        for row in orders.iter_rows(named=True)
        if (row["status"], row["side"], row["slot"]) == ("FILLED", "BUY", 0)
        and middle_ns <= sent[row["order_id"]] < middle_ns + 30 * SECOND_NS
        and row["cum_lots"] >= 3
    ]
    assert 0 < len(expected) < len(orders)
    assert select_orders(orders, wanted)["order_id"].to_list() == expected
    assert select_orders(orders, Selection()).equals(orders)


@pytest.mark.parametrize("key", sorted(ORDER_SORTS.keys() - {"lifetime"}))
def test_every_sort_of_orders_puts_missing_values_last_both_ways(key: str) -> None:
    orders = orders_frame(every_kind().events(), [LINEAR])
    up, down = (select_orders(orders, Selection(), sort) for sort in (key, f"-{key}"))
    column = ORDER_SORTS[key]
    values = [value for value in up[column].to_list() if value is not None]
    assert values == sorted(values, key=orders[column].drop_nulls().unique().sort().to_list().index)
    for rows in (up, down):
        missing = rows[column].is_null().to_list()
        assert missing == sorted(missing)
    assert set(up["order_id"]) == set(down["order_id"]) == set(orders["order_id"])


def test_sort_by_lifetime_puts_the_longest_first_and_open_orders_last() -> None:
    life = Life()
    for seconds in (1, 3, 2):
        order = life.order(Side.BUY, 617_000, 1)
        life.wait(seconds)
        life.fill(order, 1)
    life.order(Side.SELL, 617_020, 2)

    rows = select_orders(orders_frame(life.events(), [LINEAR]), Selection(), "-lifetime")
    assert rows["order_id"].to_list() == [2, 3, 1, 4]


def test_totals_weigh_fills_by_quantity() -> None:
    life = Life()
    for lots, ticks in ((1, 617_000), (3, 617_004)):
        life.fill(life.order(Side.BUY, 617_010, lots), lots, ticks)
    life.order(Side.SELL, 617_020, 2)
    text = order_totals(orders_frame(life.events(), [LINEAR]), Units(LINEAR))

    assert text.startswith("3 orders: 2 filled, 1 open; bought 0.004 BTC at 61700.30; fees ")


def test_denials_add_up_with_their_repeats() -> None:
    session = Session(position_lots_max=5)
    for lots, times in ((9, 4), (8, 2)):
        for _ in range(times):
            session.quote(BUY, 1000, lots)
            session.decide()
    session.quote(SELL, 1000, 1)
    session.quote(BUY, 1000, 1, level=1)
    session.decide()
    session.finish()
    events = log_of(session)
    frame = denials_frame(events, [LINEAR])
    written = events[events["kind"] == EventKind.DENIED]
    repeats = (written["flags"] & EventFlag.COALESCED) != 0

    assert frame["count"].to_list()[:2] == [4, 2]
    assert frame["count"].sum() == int(np.where(repeats, written["c"], 1).sum())
    assert frame["observed"].to_list()[:2] == [9, 8]
    assert frame["headroom"].to_list()[:2] == [-4, -3]
    assert "POSITION 6" in denial_totals(frame)
    chosen = select_denials(frame, Selection(causes=("POSITION",), slots=(0,), sides=("BUY",)), "-count")
    assert chosen["count"].to_list() == [4, 2]
    for key in DENIAL_SORTS:
        assert len(select_denials(frame, Selection(), f"-{key}")) == len(frame)


def test_rows_of_orders_keep_every_nanosecond() -> None:
    life = Life(start_ns=1_723_075_200_000_000_001)
    life.ack(life.order(Side.BUY, 617_000, 1))
    (row,) = order_rows(orders_frame(life.events(), [LINEAR]))

    assert row["sent"] == "2024-08-08T00:00:00.000000001Z"
    assert (row["ended"], row["slot_name"], row["short_id"]) == (None, "buy0", 1)
