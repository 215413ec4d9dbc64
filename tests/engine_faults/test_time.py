"""How hftbacktest lets time pass, and what the adapter makes of it."""

from typing import Final

import numpy as np
from hftbacktest import _hftbacktest, binding
from hftbacktest.order import CANCELED, EXPIRED, GTC, GTX, LIMIT, NEW, NONE
from hftbacktest.types import UNTIL_END_OF_DATA
from oracle.raw_loop import END, FEED, INT64_MAX, OK, RESPONSE
from venues.play import (
    BUY,
    ENTRY_MS,
    INSTRUMENT,
    LOCAL_MS,
    MS,
    POST_ONLY,
    RESPONSE_MS,
    SELL,
    START_NS,
    Events,
    Play,
    book,
    depth,
    events_of,
    ticks_of_time,
    trade,
    wide_state,
)
from venues.test_technical_rejects import LATENCY

from trading_platform.core.state import new_state
from trading_platform.model.enums import DenyCode, EventKind, OrderStatus, Stop
from trading_platform.runner.loop import advance, begin, release
from trading_platform.strategies.view import View
from trading_platform.venues.hftbacktest.assets import AssetSpec, build_engine

from .bare import ACK_MS, ASKS, BIDS, LOT, SENT_MS, TICK, Bare, asset_of, denied, market, pair, record_at

OPEN: Final = book(0, BIDS, ASKS)
ROUND_MS: Final = ENTRY_MS + RESPONSE_MS
LAST_ROW: Final = depth(90, BUY, 900, 1)


def test_hftbacktest_2_4_4_returns_3_for_a_block_with_a_feed_row_and_a_response_and_we_look_at_both() -> None:
    """The new best ask is seen in the moment in which the order is acknowledged."""
    rows = [*OPEN, depth(ACK_MS - LOCAL_MS, SELL, 1001, 7), LAST_ROW]
    bare, play = Bare([*rows, depth(10, BUY, 900, 2)]), Play([*rows, depth(10, BUY, 900, 2)])
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1000, 10)
    play.until(SENT_MS)
    play.view.new_order(BUY, 0, 1000, 10)
    code, stop = bare.wait_ms(), play.wake()

    assert (code, bare.at_ms, bare.touch()) == (RESPONSE, ACK_MS, (1000, 1001))
    assert bare.seen[1][-1] == (NEW, NONE)
    assert (stop, play.at_ms, play.view.ask_ticks()) == (Stop.WAKE, ACK_MS, 1001)
    assert play.order(1)["status"] == OrderStatus.WORKING
    play.close()


def test_hftbacktest_2_4_4_returns_2_though_a_lower_asset_had_a_response_and_we_look_at_all_orders() -> None:
    """At one time the lower asset comes first: the feed of asset 1 hides the response of asset 0."""
    quiet = events_of([*OPEN, depth(10, BUY, 900, 2), LAST_ROW])
    moving = events_of([*OPEN, depth(ACK_MS - LOCAL_MS, SELL, 1001, 7), LAST_ROW])

    code, order = _ack_of_the_lower_asset_alone(quiet, moving)
    assert code == FEED
    assert (order["status"], order["req"]) == (NEW, NONE), "the response came in this block"
    assert _ack_of_the_lower_asset_through_the_port(quiet, moving) == (ACK_MS, OrderStatus.WORKING)


def _ack_of_the_lower_asset_alone(quiet: Events, moving: Events) -> tuple[int, np.void]:
    """Return the code of the block in which asset 0 has an ack and asset 1 a row, and the order then."""
    assets = [asset_of().data([quiet]), asset_of().data([moving])]
    engine = _hftbacktest.build_hashmap_backtest(assets)
    now_ns = 0
    while now_ns < START_NS + SENT_MS * MS:
        binding.hashmapbt_wait_next_feed(engine, True, 100 * MS)
        now_ns = binding.hashmapbt_current_timestamp(engine)
    binding.hashmapbt_submit_buy_order(engine, 0, 1, 1000 * TICK, 10 * LOT, GTC, LIMIT, False)
    code = int(binding.hashmapbt_wait_next_feed(engine, True, 100 * MS))
    address = binding.orders_get(binding.hashmapbt_orders(engine, 0), 1)
    order: np.void = record_at(address).copy()
    binding.hashmapbt_close(engine)
    return code, order


def _ack_of_the_lower_asset_through_the_port(quiet: Events, moving: Events) -> tuple[float, int]:
    """Return when our order of instrument 0 was acknowledged, and its status at that wakeup."""
    one, state = wide_state(), new_state(instruments=2, levels_per_side=4)
    state.instruments[:], state.limits[:] = one.instruments[0], one.limits[0]
    state.instruments["book_min_ticks"], state.instruments["book_max_ticks"] = 1, 100_000
    state.session[0]["replace_policy"] = one.session[0]["replace_policy"]
    state.session[0]["wake_mask"] = one.session[0]["wake_mask"]
    delays = (ENTRY_MS * MS, RESPONSE_MS * MS)
    specs = [
        AssetSpec(INSTRUMENT, [events], None, *delays, "risk_averse", None, False, None)
        for events in (quiet, moving)
    ]
    engine, view = build_engine(specs), View(state)
    begin(state, 0)
    while state.session[0]["now_ns"] < START_NS + SENT_MS * MS:
        assert advance(engine.venue, state) == Stop.WAKE
    view.new_order(BUY, 0, 1000, 10, instrument=0)
    assert advance(engine.venue, state) == Stop.WAKE
    found = (view.now_ns - START_NS) / MS, int(state.orders[1]["status"])
    release(engine.venue)
    return found


def test_hftbacktest_2_4_4_has_no_time_before_the_first_wait_and_we_start_with_the_first_full_book() -> None:
    """A submit before it is stamped with int64 max, the latency overflows, and time falls back to 1970."""
    bare, play = Bare(market()), Play(market())
    before_ns = bare.call("current_timestamp")
    code = bare.send(BUY, 1, 1000, 10)
    sent_ns = int(bare.last[1]["local_timestamp"])
    bare.wait_ms()
    play.wake()
    first_ms = play.at_ms
    play.view.new_order(BUY, 0, 1000, 10)
    play.finish()

    assert (before_ns, code, sent_ns) == (INT64_MAX, 0, INT64_MAX)
    assert bare.now_ns == RESPONSE_MS * MS, "the venue took the order at time 0"
    assert first_ms == LOCAL_MS
    assert play.story(1) == [("ACK", first_ms + ROUND_MS)]


def test_hftbacktest_2_4_4_adds_a_timeout_unchecked_and_a_timer_at_the_end_of_time_does_no_harm() -> None:
    """UNTIL_END_OF_DATA is what the package calls it."""
    bare, play = Bare(market()), Play(market())
    bare.until(SENT_MS)
    code = bare.wait(UNTIL_END_OF_DATA)
    play.until(SENT_MS)
    play.view.set_timer(INT64_MAX - 1)

    assert (code, bare.now_ns < 0) == (OK, True), "nothing was waited for, and time overflowed"
    assert play.finish() == Stop.END_OF_DATA
    assert play.at_ms == 99 + LOCAL_MS


def test_hftbacktest_2_4_4_goes_back_in_time_by_a_negative_timeout_and_a_timer_in_the_past_does_not() -> None:
    bare, play = Bare(market()), Play(market())
    bare.until(SENT_MS)
    bare.wait_ms(-5)
    play.until(SENT_MS)
    play.view.set_timer(play.view.now_ns - 5 * MS)
    play.wake()

    assert bare.at_ms == SENT_MS - 5
    assert play.at_ms == SENT_MS
    play.close()


def test_hftbacktest_2_4_4_stands_still_for_a_timeout_of_0_and_we_stop_at_the_second() -> None:
    bare, play = Bare(market()), Play(market())
    bare.until(SENT_MS)
    codes = [bare.wait_ms(0) for _ in range(100)]
    play.until(SENT_MS)
    stops = []
    for _ in range(2):
        play.view.set_timer(play.view.now_ns)
        stops.append(play.wake())

    assert (set(codes), bare.at_ms) == ({OK}, SENT_MS)
    assert (stops, play.at_ms) == ([Stop.WAKE, Stop.LIVELOCK], SENT_MS)
    play.close()


def test_hftbacktest_2_4_4_drains_the_rest_at_the_end_without_moving_its_clock_and_we_tell_the_time() -> None:
    """The order is sent at the last row but one: its ack comes when nothing else is left."""
    rows = [*OPEN, *ticks_of_time(1, 20)]
    bare, play = Bare(rows), Play(rows)
    bare.until(18 + LOCAL_MS)
    bare.send(BUY, 1, 1000, 10)
    while bare.wait_ms() != END:
        pass
    play.until(18 + LOCAL_MS)
    play.view.new_order(BUY, 0, 1000, 10)
    play.finish()

    assert bare.seen[1] == [(NONE, NEW), (NEW, NONE)]
    assert bare.at_ms == 19 + LOCAL_MS, "where the last row left it"
    assert play.story(1) == [("ACK", 18 + LOCAL_MS + ROUND_MS)]


def test_hftbacktest_2_4_4_takes_orders_after_the_end_of_data_and_we_deny_them() -> None:
    rows = [*OPEN, *ticks_of_time(1, 20)]
    bare, play = Bare(rows), Play(rows)
    bare.finish()
    code = bare.send(BUY, 1, 1000, 10)
    after = [bare.wait_ms() for _ in range(2)]
    while play.wake() == Stop.WAKE:
        pass
    play.view.new_order(BUY, 0, 1000, 10)
    play.wake()

    assert (code, after) == (OK, [END, END])
    assert bare.seen[1][-1] == (NEW, NONE), "it was accepted, in a market that is over"
    assert denied(play) == [DenyCode.END_OF_DATA]
    play.close()


def test_hftbacktest_2_4_4_lets_a_fill_beat_a_cancel_of_the_same_instant_and_we_book_it_first() -> None:
    bare, play = pair(trade(40 + ENTRY_MS, SELL, 1001, 4), price=1001, partial=True)
    bare.until(40)
    bare.cancel(1)
    bare.finish()
    play.until(40)
    play.view.cancel(BUY, 0)
    play.finish()

    assert bare.seen[1] == [(NONE, NEW), (NEW, NONE), (NEW, CANCELED), (CANCELED, NONE)], (
        "PARTIALLY_FILLED is hidden"
    )
    assert play.story(1)[1:] == [("FILL", 40 + ROUND_MS), ("CANCELED", 40 + ROUND_MS)]
    assert play.net_lots == 4


def test_hftbacktest_2_4_4_moves_the_book_before_an_order_of_the_same_instant_and_so_do_we() -> None:
    """The ask comes down to the price of a post-only order in the moment in which it arrives."""
    bare, play = pair(depth(SENT_MS + ENTRY_MS, SELL, 1001, 5), price=1001, tif=GTX)
    bare.finish()
    play.finish()

    assert GTX == POST_ONLY
    assert bare.seen[1] == [(NONE, NEW), (EXPIRED, NONE)]
    assert play.story(1) == [("EXPIRED", ACK_MS)]


def test_hftbacktest_2_4_4_keeps_requests_in_order_though_a_later_one_is_faster_and_so_do_we() -> None:
    """15 ms to the venue for the first, 1 ms for the second: both arrive with the first."""
    latencies = np.zeros(3, LATENCY)
    latencies["req_ts"] = START_NS + np.array([0, 20, 21]) * MS
    latencies["exch_ts"] = latencies["req_ts"] + np.array([15, 15, 1]) * MS
    latencies["resp_ts"] = latencies["exch_ts"] + 2 * MS
    bare, play = Bare(market(), latency=latencies), Play(market(), latency=latencies)
    for at_ms, order_id, price in ((20, 1, 1000), (21, 2, 999)):
        bare.until(at_ms)
        bare.send(BUY, order_id, price, 10)
        play.until(at_ms)
        play.view.new_order(BUY, order_id, price, 10)
    bare.finish()
    play.finish()

    assert [bare.last[order_id]["exch_timestamp"] for order_id in (1, 2)] == [START_NS + 35 * MS] * 2
    assert [int(event["order_id"]) for event in play.of(EventKind.STATUS)] == [1, 2]
    assert {int(event["ts_exch_ns"]) for event in play.of(EventKind.STATUS)} == {START_NS + 35 * MS}
