"""What the local side of hftbacktest shows of a request and its outcome, line by line, and what we make of it."""

import numpy as np
import pytest
from hftbacktest.order import (
    CANCELED,
    EXPIRED,
    FILLED,
    FOK,
    GTC,
    GTX,
    IOC,
    LIMIT,
    MARKET,
    NEW,
    NONE,
    PARTIALLY_FILLED,
)
from hftbacktest.types import ADD_ORDER_EVENT, BUY_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, event_dtype
from oracle.raw_loop import END, INT64_MAX
from venues.play import (
    BUY,
    ENTRY_MS,
    LOCAL_MS,
    MS,
    SELL,
    START_NS,
    Events,
    Play,
    Row,
    clear,
    depth,
    trade,
)
from venues.test_technical_rejects import ANSWER_MS, latency

from trading_platform.model.enums import DenyCode, EventFlag, EventKind, HoldCode, OrderStatus
from trading_platform.venues.hftbacktest.assets import QUEUE_MODELS

from .bare import ACK_MS, LOT, REPLACED, SENT_MS, TICK, Bare, asset_of, denied, lots_of, market, pair

SENT, RESTS = (NONE, NEW), (NEW, NONE)
CANCELING, MODIFYING = (NEW, CANCELED), (NEW, REPLACED)
PARTLY, DONE, GONE, REMOVED = (PARTIALLY_FILLED, NONE), (FILLED, NONE), (EXPIRED, NONE), (CANCELED, NONE)
MAKER, ESTIMATED = int(EventFlag.MAKER), int(EventFlag.ESTIMATED)
ALONE = 1001  # a price inside the spread: nobody stands ahead of us


def words(play: Play, order_id: int = 1) -> list[str]:
    """Return what our log tells of an order."""
    return [word for word, _ in play.story(order_id)]


def test_hftbacktest_2_4_4_shows_venue_time_0_until_the_ack_and_we_report_the_ack_with_its_time() -> None:
    bare, play = pair()
    assert bare.last[1]["exch_timestamp"] == 0
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, RESTS]
    assert bare.last[1]["exch_timestamp"] == START_NS + (SENT_MS + ENTRY_MS) * MS
    assert play.story(1) == [("ACK", ACK_MS)]


@pytest.mark.parametrize(
    ("tif", "rows"),
    [(GTX, (depth(13, SELL, ALONE, 5),)), (IOC, ()), (FOK, ())],
    ids=["post-only that would cross", "IOC", "FOK"],
)
def test_hftbacktest_2_4_4_expires_what_cannot_rest_or_trade_and_we_report_expired(
    tif: int, rows: tuple[Row, ...]
) -> None:
    """Venues reject a post-only order; this engine never has the status REJECTED."""
    bare, play = pair(*rows, price=ALONE, tif=tif)
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, GONE]
    assert play.story(1) == [("EXPIRED", ACK_MS)]


@pytest.mark.parametrize("tif", [GTC, IOC, FOK], ids=["GTC", "IOC", "FOK"])
def test_hftbacktest_2_4_4_fills_more_than_is_there_without_partial_fills_and_best_level_asks_for_no_more(
    tif: int,
) -> None:
    """60 lots are offered at 1002."""
    bare, play = pair(price=1003, lots=100, tif=tif, sweeps="best_level")
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, DONE]
    assert bare.execs[1] == [(1002, 100)]
    assert play.fills() == [(1002, 60, 0)]


def test_hftbacktest_2_4_4_fills_a_market_order_at_int64_max_if_nothing_is_offered_and_we_deny_it() -> None:
    nothing_offered = market(clear(5, SELL, 1003))
    bare, play = Bare(nothing_offered), Play(nothing_offered)
    bare.until(SENT_MS)
    assert bare.send(BUY, 1, 0, 10, GTC, MARKET) == 0
    assert bare.finish() == END
    play.until(SENT_MS)
    play.view.market_order(BUY, 0, 10)
    play.finish()

    assert bare.seen[1] == [SENT, DONE]
    assert bare.execs[1] == [(INT64_MAX, 10)]
    assert denied(play) == [DenyCode.NO_BOOK]


def test_hftbacktest_2_4_4_fills_at_int64_max_if_the_offers_vanish_on_the_way_and_ours_expires() -> None:
    vanishing = market(clear(12, SELL, 1003))
    bare, play = Bare(vanishing), Play(vanishing)
    bare.until(SENT_MS)
    bare.send(BUY, 1, 0, 10, GTC, MARKET)
    bare.finish()
    play.until(SENT_MS)
    play.view.market_order(BUY, 0, 10)
    play.finish()

    assert bare.execs[1] == [(INT64_MAX, 10)]
    assert play.story(1) == [("EXPIRED", ACK_MS)]


@pytest.mark.parametrize(
    ("tif", "lots", "outcome", "fills"),
    [
        (GTC, 100, DONE, [(1002, 60, ESTIMATED), (1003, 40, 0)]),
        (IOC, 100, DONE, [(1002, 60, ESTIMATED), (1003, 40, 0)]),
        (FOK, 100, DONE, [(1002, 60, ESTIMATED), (1003, 40, 0)]),
        (IOC, 300, GONE, [(1002, 60, ESTIMATED), (1003, 90, 0)]),
    ],
    ids=["GTC", "IOC", "FOK", "IOC for more than there is"],
)
def test_hftbacktest_2_4_4_shows_only_the_last_level_of_a_sweep_and_we_report_all_levels(
    tif: int, lots: int, outcome: tuple[int, int], fills: list[tuple[int, int, int]]
) -> None:
    bare, play = pair(price=1003, lots=lots, tif=tif, partial=True)
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, outcome]
    last_price, last_lots, _ = fills[-1]
    order = bare.last[1]
    assert (order["exec_price_tick"], lots_of(order["exec_qty"])) == (last_price, last_lots)
    assert lots_of(order["qty"] - order["leaves_qty"]) == sum(filled for _, filled, _ in fills)
    assert play.fills() == fills


def test_hftbacktest_2_4_4_fills_the_rest_of_a_crossing_order_at_its_limit_and_so_do_we() -> None:
    """Optimism that stays: nobody asks at 1004, and 50 lots are bought there."""
    bare, play = pair(price=1004, lots=200, partial=True)
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, DONE]
    assert bare.execs[1] == [(1004, 50)]
    assert play.fills()[-1] == (1004, 50, 0)


def test_hftbacktest_2_4_4_expires_a_technically_rejected_order_and_we_report_it_rejected() -> None:
    """Recorded latencies with a venue time of 0: the venue never saw the order."""
    bare, play = pair(latency=latency((9, 13)))
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, GONE]
    assert bare.last[1]["exch_timestamp"] == 0
    assert play.story(1) == [("REJECTED", SENT_MS + ANSWER_MS)]


def test_hftbacktest_2_4_4_only_drops_the_request_of_a_rejected_cancel_and_we_report_the_reject() -> None:
    bare, play = pair(latency=latency((39, 42)))
    bare.until(40)
    bare.cancel(1)
    acked_ns = int(bare.last[1]["exch_timestamp"])
    bare.finish()
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert bare.seen[1] == [SENT, RESTS, CANCELING, RESTS]
    assert bare.last[1]["exch_timestamp"] == acked_ns, "nothing but the request has changed"
    assert play.story(1)[1:] == [("CANCEL_REJECTED", 40 + ANSWER_MS)]
    assert play.order(1)["status"] == OrderStatus.WORKING


def test_hftbacktest_2_4_4_shows_partial_fills_as_statuses_and_we_report_each_fill() -> None:
    trades = [trade(at_ms, SELL, ALONE, lots) for at_ms, lots in ((30, 4), (40, 3), (50, 9))]
    bare, play = pair(*trades, price=ALONE, partial=True)
    bare.finish()
    play.finish()

    assert bare.seen[1] == [SENT, RESTS, PARTLY, DONE]
    assert bare.execs[1] == [(ALONE, 4), (ALONE, 3), (ALONE, 3)]
    assert play.fills() == [(ALONE, 4, MAKER), (ALONE, 3, MAKER), (ALONE, 3, MAKER)]


def test_hftbacktest_2_4_4_shows_only_the_last_fill_of_a_block_and_we_book_the_fall_of_leaves() -> None:
    bare, play = pair(trade(30, SELL, ALONE, 4), trade(30, SELL, ALONE, 3), price=ALONE, partial=True)
    bare.finish()
    play.finish()

    assert bare.execs[1] == [(ALONE, 3)]
    assert lots_of(bare.last[1]["leaves_qty"]) == 3
    assert play.net_lots == 7


def test_hftbacktest_2_4_4_shows_a_cancel_as_request_then_status_and_we_report_canceled() -> None:
    bare, play = pair()
    bare.until(40)
    bare.cancel(1)
    bare.finish()
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert bare.seen[1] == [SENT, RESTS, CANCELING, REMOVED]
    assert words(play) == ["ACK", "CANCELED"]


def test_hftbacktest_2_4_4_never_tells_that_a_cancel_came_too_late_and_our_request_ends_with_the_fill() -> (
    None
):
    bare, play = pair(trade(42, SELL, ALONE, 50), price=ALONE)
    bare.until(40)
    bare.cancel(1)
    bare.finish()
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert bare.seen[1] == [SENT, RESTS, CANCELING, DONE]
    assert words(play) == ["ACK", "FILL"]
    assert play.order(1)["pending"] == 0


def test_hftbacktest_2_4_4_drops_the_cancel_request_at_a_partial_fill_and_our_pending_flag_stays() -> None:
    """At 48 ms the fill is known and the cancel still travels."""
    bare, play = pair(trade(42, SELL, ALONE, 4), price=ALONE, partial=True)
    bare.until(40)
    bare.cancel(1)
    bare.until(48)
    play.until(40)
    play.view.cancel(BUY, 0)
    play.until(48)

    assert bare.seen[1][-1] == PARTLY, "no request is shown"
    assert play.order(1)["pending"] != 0
    bare.finish()
    play.finish()
    assert bare.seen[1] == [SENT, RESTS, CANCELING, PARTLY, REMOVED]
    assert words(play) == ["ACK", "FILL", "CANCELED"]


@pytest.mark.parametrize("request_name", ["cancel", "modify"])
def test_hftbacktest_2_4_4_books_a_fill_again_if_the_order_is_asked_for_and_we_deny_the_request(
    request_name: str,
) -> None:
    bare, play = pair(price=1002)
    bare.until(40)
    booked_once = bare.position_lots
    code = bare.cancel(1) if request_name == "cancel" else bare.modify(1, 999, 10)
    bare.finish()
    play.until(40)
    if request_name == "cancel":
        play.view.cancel(BUY, 0)
    else:
        play.view.replace(BUY, 0, 999, 10)
    play.finish()

    assert (booked_once, code, bare.position_lots) == (10, 0, 20)
    assert denied(play) == [DenyCode.NOT_FOUND]
    assert play.net_lots == 10


def test_hftbacktest_2_4_4_modifies_in_place_what_is_left_and_our_replace_is_an_order_of_that_quantity() -> (
    None
):
    """50 lots stand ahead and 56 trade. ``qty`` becomes what is *left*, and the place in the queue is kept."""
    bare, play = pair(trade(60, SELL, 1000, 56), partial=True)
    bare.until(30)
    assert bare.modify(1, 1000, 7) == 0
    bare.finish()
    play.until(30)
    play.view.replace(BUY, 0, 1000, 7)
    play.finish()

    assert bare.seen[1] == [SENT, RESTS, MODIFYING, RESTS, PARTLY]
    assert bare.execs[1] == [(1000, 6)], "the place in the queue was kept"
    assert (lots_of(bare.last[1]["qty"]), lots_of(bare.last[1]["leaves_qty"])) == (7, 1)
    assert words(play, 1) == ["ACK", "CANCELED"]
    assert [
        (int(row["order_id"]), int(row["qty_lots"])) for row in play.of(EventKind.SENT) if row["a"] == 1
    ] == [
        (1, 10),
        (2, 7),
    ]


def test_hftbacktest_2_4_4_executes_the_old_quantity_after_a_modify_and_we_send_the_new_one() -> None:
    """4 of 10 were filled; asked for 20 at another price, it works the 6 that were left."""
    rows = [trade(30, SELL, ALONE, 4), trade(80, SELL, 998, 90)]
    bare, play = pair(*rows, price=ALONE, partial=True)
    bare.until(40)
    bare.modify(1, 1000, 20)
    bare.finish()
    play.until(40)
    play.view.replace(BUY, 0, 1000, 20)
    play.finish()

    assert lots_of(bare.last[1]["qty"]) == 20
    assert bare.execs[1] == [(ALONE, 4), (1000, 6)]
    assert play.fills() == [(ALONE, 4, MAKER), (1000, 20, MAKER)]


def test_hftbacktest_2_4_4_fills_14_of_10_if_a_modify_meets_a_partial_fill_and_we_check_again() -> None:
    """The limit is 10. The replacement is checked when the cancel is acknowledged: 4 are bought by then."""
    rows = [trade(42, SELL, ALONE, 4), trade(80, SELL, 998, 90)]
    bare, play = pair(*rows, price=ALONE, partial=True)
    play.state.limits[0]["position_lots_max"] = 10
    bare.until(40)
    bare.modify(1, 1000, 10)
    bare.finish()
    play.until(40)
    play.view.replace(BUY, 0, 1000, 10)
    play.finish()

    assert bare.execs[1] == [(ALONE, 4), (1000, 10)]
    assert denied(play) == [DenyCode.POSITION]
    assert play.net_lots == 4


def test_hftbacktest_2_4_4_keeps_the_wish_of_a_rejected_modify_and_our_order_keeps_its_terms() -> None:
    bare, play = pair(latency=latency((39, 42)))
    bare.until(40)
    bare.modify(1, 995, 20)
    bare.finish()
    play.until(40)
    play.view.replace(BUY, 0, 995, 20)
    play.finish()

    order = bare.last[1]
    assert bare.seen[1] == [SENT, RESTS, MODIFYING, RESTS]
    assert (order["price_tick"], lots_of(order["qty"])) == (995, 20), "the venue still works 10 at 1000"
    assert (play.order(1)["price_ticks"], play.order(1)["leaves_lots"]) == (1000, 10)
    assert [HoldCode(int(event["code"])) for event in play.of(EventKind.DEQUEUED)] == [HoldCode.VENUE_REFUSED]


def orders_of_a_book() -> Events:
    """Return a market by order: 1000 bid, 1002 asked, and three rows far away to pass the time."""
    rows = np.zeros(5, event_dtype)
    levels = (
        (0, BUY_EVENT, 1000),
        (0, SELL_EVENT, 1002),
        (30, BUY_EVENT, 990),
        (60, BUY_EVENT, 989),
        (90, BUY_EVENT, 988),
    )
    for row, (at_ms, side, price_ticks) in zip(rows, levels, strict=True):
        row["ev"] = ADD_ORDER_EVENT | side | EXCH_EVENT | LOCAL_EVENT
        row["exch_ts"], row["local_ts"] = START_NS + at_ms * MS, START_NS + (at_ms + LOCAL_MS) * MS
        row["px"], row["qty"], row["order_id"] = price_ticks * TICK, 0.05, price_ticks
    return rows


def test_hftbacktest_2_4_4_rests_a_modified_order_crossed_in_a_market_by_order_and_we_do_not_offer_that_model() -> (
    None
):
    bare = Bare(orders_of_a_book(), asset=asset_of().l3_fifo_queue_model())
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1000, 10)
    bare.until(40)
    bare.modify(1, 1005, 10)
    bare.finish()

    assert bare.seen[1][-1] == RESTS
    assert bare.last[1]["price_tick"] == 1005
    assert bare.touch() == (1000, 1002)
    assert not any("l3" in name for name in QUEUE_MODELS)


def test_hftbacktest_2_4_4_refuses_ids_it_knows_and_requests_in_process_and_we_never_ask() -> None:
    bare, play = pair()
    codes = {"id exists": bare.send(BUY, 1, 999, 1)}
    bare.until(30)
    bare.cancel(1)
    codes["request in process"] = bare.cancel(1)
    bare.until(60)
    codes["id exists, terminal"] = bare.send(BUY, 1, 999, 1)
    bare.forget_ended()
    codes["not found, cleared"] = bare.cancel(1)
    codes["id is free again"] = bare.send(BUY, 1, 999, 1)
    play.view.new_order(BUY, 0, 999, 1)
    play.until(30)
    play.view.cancel(BUY, 0)
    play.view.cancel(BUY, 0)
    play.until(60)
    play.view.cancel(BUY, 0)
    play.finish()

    assert codes == {
        "id exists": 10,
        "request in process": 11,
        "id exists, terminal": 10,
        "not found, cleared": 12,
        "id is free again": 0,
    }
    assert denied(play)[-1] == DenyCode.NOT_FOUND
    assert words(play) == ["ACK", "CANCELED"]


@pytest.mark.parametrize(("tif", "order_type"), [(4, LIMIT), (255, LIMIT), (GTC, 2), (GTC, 255)])
def test_hftbacktest_2_4_4_takes_a_byte_it_does_not_know_and_loses_the_order_and_we_deny_it(
    tif: int, order_type: int
) -> None:
    bare, play = Bare(market(end_ms=30)), Play(market())
    bare.until(SENT_MS)
    taken = bare.send(BUY, 1, 1000, 10, tif, order_type)
    codes = [bare.wait_ms() for _ in range(30)]
    play.until(SENT_MS)
    play.view.new_order(BUY, 0, 1000, 10, tif=tif)
    play.state.intents[0]["order_type"] = order_type
    play.finish()

    assert taken == 0
    assert codes.count(13) == 1, "told once, by a wait, without the order's id"
    assert bare.seen[1] == [SENT], "and the order waits for ever"
    assert denied(play) == [DenyCode.BAD_TYPE]


@pytest.mark.parametrize(
    ("price", "lots", "position", "code"),
    [(-5, 10, 0, DenyCode.BAD_PRICE), (1000, 0, 0, DenyCode.BAD_QTY), (1002, -10, -10, DenyCode.BAD_QTY)],
    ids=["negative price", "no quantity", "negative quantity, which fills"],
)
def test_hftbacktest_2_4_4_takes_an_order_whatever_its_numbers_and_we_deny_it(
    price: int, lots: int, position: int, code: DenyCode
) -> None:
    bare, play = Bare(market()), Play(market())
    bare.until(SENT_MS)
    assert bare.send(BUY, 1, price, lots) == 0
    bare.finish()
    play.until(SENT_MS)
    play.view.new_order(BUY, 0, price, lots)
    play.finish()

    assert (bare.last[1]["price_tick"], lots_of(bare.last[1]["qty"])) == (price, lots)
    assert bare.position_lots == position
    assert denied(play) == [code]


@pytest.mark.parametrize(
    ("price", "lots", "price_ticks"),
    [(float("nan"), 10, 0), (1000.5, 10, 1001), (1000, 0.3, 1000)],
    ids=["NaN", "price off the grid", "part of a lot"],
)
def test_hftbacktest_2_4_4_takes_numbers_off_the_grid_and_ours_are_integers(
    price: float, lots: float, price_ticks: int
) -> None:
    bare, play = Bare(market()), Play(market())
    bare.until(SENT_MS)
    assert bare.send(BUY, 1, price, lots) == 0
    bare.finish()
    play.until(SENT_MS)
    with pytest.raises(ValueError, match="must be a whole number of 64 bits"):
        play.view.new_order(BUY, 0, price, lots)  # type: ignore[arg-type]
    play.close()

    assert bare.last[1]["price_tick"] == price_ticks
    assert bare.last[1]["qty"] == pytest.approx(lots * LOT)
    assert bare.seen[1] == [SENT, RESTS]
