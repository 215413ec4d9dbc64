"""Each line of the table in docs/engine.md: a request, what becomes of it, and what the core is told, and when."""

import pytest

from trading_platform.model.enums import EventFlag, EventKind, OrderStatus, ReplacePolicy, ReportKind, Stop

from .play import (
    BUY,
    ENTRY_MS,
    FOK,
    GTC,
    IOC,
    LOCAL_MS,
    MS,
    POST_ONLY,
    RESPONSE_MS,
    SELL,
    START_NS,
    Play,
    Row,
    book,
    depth,
    ticks_of_time,
    trade,
)

OPEN = book(0, [(1000, 50), (999, 80)], [(1002, 60), (1003, 90)])
ROUND_MS = ENTRY_MS + RESPONSE_MS
MAKER = int(EventFlag.MAKER)
T_MS = 10 + LOCAL_MS  # when the orders of these tests are sent: the local time of the row at 10 ms


def market(*rows: Row) -> list[Row]:
    """Return a market of 100 ms with a wakeup every millisecond."""
    return [*OPEN, *ticks_of_time(1, 100), *rows]


def at_ms(event_ns: int) -> float:
    return (int(event_ns) - START_NS) / MS


def play_one(
    *rows: Row, side: int = BUY, price: int = 1000, lots: int = 10, tif: int = GTC, partial: bool = False
) -> Play:
    """Return a session that has just asked for one order (id 1)."""
    play = Play(market(*rows), partial=partial)
    play.until(T_MS)
    play.view.new_order(side, 0, price, lots, tif=tif)
    return play


@pytest.mark.parametrize("partial", [False, True])
def test_resting_order_is_acknowledged_after_both_latencies(partial: bool) -> None:
    play = play_one(partial=partial)

    assert play.finish() == Stop.END_OF_DATA
    assert play.story(1) == [("ACK", T_MS + ROUND_MS)]
    (ack,) = play.of(EventKind.STATUS)
    assert at_ms(ack["ts_exch_ns"]) == T_MS + ENTRY_MS
    assert play.order(1)["status"] == OrderStatus.WORKING
    assert play.order(1)["leaves_lots"] == 10


@pytest.mark.parametrize("partial", [False, True])
def test_report_after_the_last_row_comes_at_its_own_time(partial: bool) -> None:
    """The engine's last block comes with its end, and its clock stays at the block before."""
    sent_ms = 98 + LOCAL_MS
    play = Play(market(), partial=partial)
    play.until(sent_ms)
    play.view.new_order(BUY, 0, 1000, 10, tif=GTC)

    assert play.finish() == Stop.END_OF_DATA
    assert play.story(1) == [("ACK", sent_ms + ROUND_MS)]


@pytest.mark.parametrize("partial", [False, True])
def test_post_only_that_would_cross_at_the_venue_expires(partial: bool) -> None:
    """The gate sees the book as we know it; the ask comes down while the order travels."""
    play = play_one(depth(13, SELL, 1001, 5), price=1001, tif=POST_ONLY, partial=partial)
    play.finish()

    assert play.story(1) == [("EXPIRED", T_MS + ROUND_MS)]
    assert play.order(1)["status"] == OrderStatus.EXPIRED
    assert play.net_lots == 0


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("tif", [IOC, FOK])
def test_ioc_and_fok_that_find_nothing_expire(tif: int, partial: bool) -> None:
    play = play_one(price=1001, tif=tif, partial=partial)
    play.finish()

    assert play.story(1) == [("EXPIRED", T_MS + ROUND_MS)]
    assert play.fills() == []
    assert play.state.positions[0]["open_buy_lots"] == 0


@pytest.mark.parametrize("tif", [GTC, IOC, FOK])
def test_crossing_order_fills_whole_at_the_best_price_without_partial_fills(tif: int) -> None:
    play = play_one(price=1003, lots=100, tif=tif)
    play.finish()

    assert play.story(1) == [("FILL", T_MS + ROUND_MS)]
    assert play.fills() == [(1002, 100, 0)]
    assert play.net_lots == 100


def test_trade_at_the_price_fills_once_the_queue_ahead_is_gone() -> None:
    """50 lots stand ahead: the first trade of 30 shortens the queue, the second of 30 reaches us, as a maker."""
    play = play_one(trade(30, SELL, 1000, 30), trade(40, SELL, 1000, 30))
    play.finish()

    assert play.story(1) == [("ACK", T_MS + ROUND_MS), ("FILL", 40 + RESPONSE_MS)]
    assert play.fills() == [(1000, 10, MAKER)]
    (fill,) = play.of(EventKind.FILL)
    assert at_ms(fill["ts_exch_ns"]) == 40


def test_partial_fills_are_reported_one_by_one_and_add_up() -> None:
    """Alone at 1001, trades of 4, 3 and 9 lots: 4 + 3 + 3, the last one completes."""
    trades = [trade(at, SELL, 1001, lots) for at, lots in ((30, 4), (40, 3), (50, 9))]
    play = play_one(*trades, price=1001, partial=True)
    play.finish()

    assert play.fills() == [(1001, 4, MAKER), (1001, 3, MAKER), (1001, 3, MAKER)]
    statuses = [OrderStatus(int(event["status_to"])) for event in play.of(EventKind.FILL)]
    assert statuses == [OrderStatus.PARTIALLY_FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]
    assert [int(event["leaves_lots"]) for event in play.of(EventKind.FILL)] == [6, 3, 0]
    assert play.net_lots == 10


@pytest.mark.parametrize("second_lots", [3, 6, 90])
def test_trade_that_finds_an_order_exhausted_exactly_does_not_stop_the_engine(second_lots: int) -> None:
    """Unshaded, the engine returns 14 for ever (see test_stops.py)."""
    trades = [trade(30, SELL, 1001, 10), trade(31, SELL, 1001, second_lots)]
    play = play_one(*trades, price=1001, partial=True)

    assert play.finish() == Stop.END_OF_DATA
    assert play.fills() == [(1001, 10, MAKER)]
    assert play.order(1)["status"] == OrderStatus.FILLED


def test_several_partial_fills_of_one_block_are_all_booked() -> None:
    """Only the last one's quantity is visible in the engine's record: 4 + 3 must not become 3."""
    trades = [trade(30, SELL, 1001, 4), trade(30, SELL, 1001, 3)]
    play = play_one(*trades, price=1001, partial=True)
    play.finish()

    assert sum(lots for _, lots, _ in play.fills()) == 7
    assert play.net_lots == 7
    assert play.order(1)["leaves_lots"] == 3


@pytest.mark.parametrize("partial", [False, True])
def test_cancel_is_acknowledged_after_both_latencies(partial: bool) -> None:
    play = play_one(partial=partial)
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert play.story(1) == [("ACK", T_MS + ROUND_MS), ("CANCELED", 40 + ROUND_MS)]
    assert play.order(1)["status"] == OrderStatus.CANCELED
    assert play.state.positions[0]["open_buy_lots"] == 0


@pytest.mark.parametrize("partial", [False, True])
def test_cancel_that_loses_to_a_fill_ends_in_the_fill(partial: bool) -> None:
    """The fill happens 2 ms after the cancel was sent; the cancel finds nothing, which the engine never tells."""
    play = play_one(trade(42, SELL, 1001, 50), price=1001, partial=partial)
    play.until(40)
    play.view.cancel(BUY, 0)

    assert play.finish() == Stop.END_OF_DATA
    assert play.story(1) == [("ACK", T_MS + ROUND_MS), ("FILL", 42 + RESPONSE_MS)]
    assert play.order(1)["status"] == OrderStatus.FILLED
    assert play.order(1)["pending"] == 0
    assert play.of(EventKind.ANOMALY) == []


def test_partial_fill_does_not_erase_a_cancel_in_flight() -> None:
    """The engine's own request flag falls with the fill while the cancel still travels: ours must not."""
    play = play_one(trade(42, SELL, 1001, 4), price=1001, partial=True)
    play.until(40)
    play.view.cancel(BUY, 0)
    play.until(48)
    in_between = int(play.order(1)["pending"])
    play.view.cancel(BUY, 0)  # nothing more to ask: the cancel is on its way
    play.finish()

    assert in_between != 0
    assert [word for word, _ in play.story(1)] == ["ACK", "FILL", "CANCELED"]
    assert play.net_lots == 4
    assert play.state.positions[0]["open_buy_lots"] == 0
    assert len([event for event in play.of(EventKind.SENT) if event["a"] == 2]) == 1


@pytest.mark.parametrize(
    ("partial", "story"), [(False, ["ACK", "FILL"]), (True, ["ACK", "FILL", "CANCELED"])]
)
def test_fill_at_the_instant_in_which_the_cancel_arrives_comes_first(partial: bool, story: list[str]) -> None:
    """The venue's data come before its orders: both reports are in one block, the fill is money."""
    play = play_one(trade(40 + ENTRY_MS, SELL, 1001, 4 if partial else 50), price=1001, partial=partial)
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert [word for word, _ in play.story(1)] == story
    assert {at for _, at in play.story(1)[1:]} == {40 + ROUND_MS}
    assert play.net_lots == (4 if partial else 10)


def test_crossing_gtc_is_filled_beyond_the_book_at_its_limit() -> None:
    """With partial fills too, the engine lets no order rest inside the other side of the book: a known optimism."""
    estimated = int(EventFlag.ESTIMATED)
    play = play_one(price=1004, lots=200, partial=True)
    play.finish()

    assert play.story(1) == [("FILL", T_MS + ROUND_MS)] * 3
    assert play.fills() == [(1002, 60, estimated), (1003, 90, estimated), (1004, 50, 0)]
    assert play.order(1)["status"] == OrderStatus.FILLED


def test_ioc_that_fills_in_part_fills_and_expires() -> None:
    play = play_one(price=1002, lots=100, tif=IOC, partial=True)
    play.finish()

    assert play.story(1) == [("FILL", T_MS + ROUND_MS), ("EXPIRED", T_MS + ROUND_MS)]
    assert play.fills() == [(1002, 60, 0)]
    assert play.order(1)["status"] == OrderStatus.EXPIRED
    assert play.net_lots == 60


@pytest.mark.parametrize("partial", [False, True])
def test_replace_after_ack_sends_the_new_order_when_the_cancel_is_acknowledged(partial: bool) -> None:
    play = play_one(partial=partial)
    play.until(40)
    play.view.replace(BUY, 0, 999, 10)
    play.finish()

    assert play.story(1) == [("ACK", T_MS + ROUND_MS), ("CANCELED", 40 + ROUND_MS)]
    assert play.story(2) == [("ACK", 40 + 2 * ROUND_MS)]
    (replaced,) = play.of(EventKind.REPLACED)
    assert (replaced["order_id"], replaced["parent_order_id"]) == (2, 1)


def test_replace_at_once_has_both_orders_in_flight_and_both_can_fill() -> None:
    play = Play(market(trade(42, SELL, 1000, 70), trade(60, SELL, 999, 90)), policy=ReplacePolicy.AT_ONCE)
    play.until(T_MS)
    play.view.new_order(BUY, 0, 1000, 10)
    play.until(40)
    play.view.replace(BUY, 0, 999, 10)
    play.finish()

    assert [word for word, _ in play.story(1)] == ["ACK", "FILL"]
    assert play.story(2)[0] == ("ACK", 40 + ROUND_MS)
    assert play.story(2)[-1][0] == "FILL"
    assert play.net_lots == 20


def test_reports_of_one_block_are_folded_in_ascending_order_id() -> None:
    """Three orders at one price are filled by one trade at one instant."""
    play = Play(market(trade(40, SELL, 1001, 90)))
    play.until(T_MS)
    for level in (2, 0, 1):
        play.view.new_order(BUY, level, 1001, 1 + level)
    play.finish()

    fills = play.of(EventKind.FILL)
    assert [int(event["order_id"]) for event in fills] == [1, 2, 3]
    assert len({int(event["now_ns"]) for event in fills}) == 1
    assert [int(event["qty_lots"]) for event in fills] == [3, 1, 2]


def test_nothing_can_be_sent_after_the_end_of_data() -> None:
    play = Play([*OPEN, *ticks_of_time(1, 20)])
    stop = Stop.WAKE
    while stop == Stop.WAKE:
        stop = play.wake()
    play.view.new_order(BUY, 0, 1000, 10)
    play.wake()

    assert stop == Stop.END_OF_DATA
    assert [int(event["code"]) for event in play.of(EventKind.DENIED)] == [1]
    assert play.of(EventKind.SENT) == []
    play.close()


def test_final_state_is_folded_when_the_data_ends() -> None:
    """An order in flight when the last row was read is acknowledged in the block of the end."""
    play = Play([*OPEN, *ticks_of_time(1, 20)])
    play.until(18)
    play.view.new_order(BUY, 0, 1000, 10)
    play.finish()

    assert [word for word, _ in play.story(1)] == [ReportKind.ACK.name]
