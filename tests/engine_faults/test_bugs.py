"""Bugs of hftbacktest and their cures; what kills the process is in test_crashes.py."""

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
from hftbacktest import BacktestAsset, _hftbacktest, binding
from hftbacktest.order import FILLED, IOC, NEW, NONE, Order
from hftbacktest.recorder import Recorder_
from hftbacktest.types import order_dtype, record_dtype
from oracle.builders import COMPILED as COMPILED_MAKER
from oracle.builders import maker_config, run
from oracle.raw_loop import END, INT64_MAX, INT64_MIN, ledger_at
from pydantic import ValidationError
from venues.play import (
    BUY,
    INSTRUMENT,
    MS,
    SELL,
    Play,
    Row,
    book,
    clear,
    depth,
    events_of,
    ticks_of_time,
    trade,
)

from trading_platform._jit import COMPILED
from trading_platform.backtest.engine import open_session
from trading_platform.config.instrument import InstrumentConfig
from trading_platform.data.files import save_events
from trading_platform.model.enums import ConnectionCode, DenyCode, EventFlag, EventKind, ReplacePolicy, Stop
from trading_platform.model.errors import DataError
from trading_platform.runner.loop import advance, release
from trading_platform.venues.hftbacktest import abi
from trading_platform.venues.hftbacktest.adapter import SHADE_LOTS
from trading_platform.venues.hftbacktest.assets import AssetSpec, build_engine

from .bare import LOT, SENT_MS, TICK, Bare, asset_of, denied, lots_of, market, pair, record_at

ALONE: Final = 1001
MAKER, ESTIMATED = int(EventFlag.MAKER), int(EventFlag.ESTIMATED)
ROI: Final = (900, 1100)
PARTS: Final = ((30, 4), (40, 3), (50, 9))  # an order of 10 is filled 4 + 3 + 3


def in_parts() -> list[Row]:
    return [trade(at_ms, SELL, ALONE, lots) for at_ms, lots in PARTS]


def engines_position_lots(play: Play) -> int:
    """Return what the engine below a session of ours takes for our position."""
    venue = play.engine.venue[0]
    return lots_of(float(ledger_at(abi.state_values(venue["roi"], venue["backtest"], 0))["position"]))


# --- 1


def test_hftbacktest_2_4_4_books_only_the_last_chunk_under_partial_fills_and_we_book_all() -> None:
    """4 + 3 + 3 gives 3."""
    bare, play = pair(*in_parts(), price=ALONE, partial=True)
    bare.finish()
    play.until(95)

    assert bare.position_lots == engines_position_lots(play) == 3
    assert play.net_lots == 10
    play.close()


def test_hftbacktest_2_4_4_books_rightly_without_partial_fills_and_our_ledger_equals_its() -> None:
    """A buy as maker, then a sale as taker of a larger quantity: both ledgers, fees included."""
    bare, play = pair(trade(30, SELL, ALONE, 1), price=ALONE)
    bare.until(50)
    bare.send(SELL, 2, 1000, 25, IOC)
    bare.finish()
    play.until(50)
    play.view.new_order(SELL, 0, 1000, 25, tif=IOC)
    play.until(95)

    venue = play.engine.venue[0]
    theirs = ledger_at(abi.state_values(venue["roi"], venue["backtest"], 0))
    ours = play.state.positions[0]
    assert bare.position_lots == engines_position_lots(play) == play.net_lots == -15
    assert float(ours["cash_ticklots"]) * TICK * LOT == pytest.approx(float(theirs["balance"]))
    assert float(ours["fee_money"]) / 1e9 == pytest.approx(float(theirs["fee"]))
    play.close()


def test_hftbacktest_2_4_4_records_the_wrong_position_and_then_writes_beyond_its_records_and_we_have_a_log() -> (
    None
):
    """Record N raises after it was stored, and the next goes to row N: compiled code does not check the index."""
    bare, play = pair(*in_parts(), price=ALONE, partial=True)
    bare.finish()
    play.finish()
    recorder = SimpleNamespace(records=np.zeros((1, 1), record_dtype).view(np.recarray), i=0)
    with pytest.raises(IndexError):
        _record(recorder, bare)
    beyond = recorder.i
    with pytest.raises(IndexError, match="index 1 is out of bounds"):
        _record(recorder, bare)

    assert lots_of(float(recorder.records[0, 0].position)) == 3
    assert beyond == len(recorder.records)
    assert sum(lots for _, lots, _ in play.fills()) == 10


def _record(recorder: Any, bare: Bare) -> None:
    """Run the Recorder's own method as plain Python, over the engine's own numbers."""
    record: Any = Recorder_.class_type.jit_methods["record"].py_func if COMPILED else Recorder_.record
    engine = SimpleNamespace(
        current_timestamp=bare.now_ns,
        num_assets=1,
        depth=lambda _: binding.HashMapMarketDepth(bare.call("depth", 0)),
        state_values=lambda _: np.array([bare.ledger()]).view(np.recarray)[0],
    )
    record(recorder, engine)


# --- 2


def test_hftbacktest_2_4_4_stops_for_ever_when_a_fill_exhausts_an_order_exactly_and_we_reach_the_end() -> (
    None
):
    """Upstream #301 and #312. A millionth of a lot less, and a fill never equals what is left."""
    rows = market(trade(30, SELL, ALONE, 10), trade(31, SELL, ALONE, 5))
    codes = {}
    for shade_lots in (0.0, SHADE_LOTS):
        bare = Bare(rows, partial=True)
        bare.until(SENT_MS)
        bare.send(BUY, 1, ALONE, 10 - shade_lots)
        codes[shade_lots] = (bare.finish(), bare.at_ms)
        stuck = [bare.wait_ms() for _ in range(3)]
        assert stuck == [codes[shade_lots][0]] * 3
    _, play = pair(trade(30, SELL, ALONE, 10), trade(31, SELL, ALONE, 5), price=ALONE, partial=True)

    assert [code for code, _ in codes.values()] == [14, END]
    assert codes[0.0][1] < 32, "time is frozen"
    assert play.finish() == Stop.END_OF_DATA
    assert play.fills() == [(ALONE, 10, MAKER)]


def test_hftbacktest_2_4_4_books_the_shade_without_partial_fills_and_we_shade_only_under_them() -> None:
    bare = Bare(market(trade(30, SELL, ALONE, 10)))
    bare.until(SENT_MS)
    bare.send(BUY, 1, ALONE, 10 - SHADE_LOTS)
    bare.finish()
    sent = {}
    for partial in (False, True):
        _, play = pair(price=ALONE, partial=partial)
        play.wake()
        sent[partial] = float(record_at(binding.orders_get(int(play.engine.venue[0]["orders"]), 1))["qty"])
        play.close()

    assert float(bare.ledger()["position"]) == pytest.approx(10 * LOT - SHADE_LOTS * LOT, rel=1e-12)
    assert float(bare.ledger()["position"]) != 10 * LOT
    assert sent[False] == 10 * LOT
    assert 0 < 10 * LOT - sent[True] < 2 * SHADE_LOTS * LOT


# --- 3


@pytest.mark.parametrize("policy", [ReplacePolicy.AFTER_ACK, ReplacePolicy.AT_ONCE])
def test_hftbacktest_2_4_4_fills_an_order_beyond_its_quantity_by_modify_and_our_replaces_never_do(
    policy: ReplacePolicy,
) -> None:
    """One id, 14 of 10. Ours are two orders, each within its quantity; what a replace costs is a setting."""
    rows = [trade(42, SELL, ALONE, 4), trade(80, SELL, 998, 90)]
    bare, play = pair(*rows, price=ALONE, partial=True, policy=policy)
    bare.until(40)
    bare.modify(1, 1000, 10)
    bare.finish()
    play.until(40)
    play.view.replace(BUY, 0, 1000, 10)
    play.finish()

    assert sum(lots for _, lots in bare.execs[1]) == 14
    assert [sum(lots for _, lots, _ in play.fills(order_id)) for order_id in (1, 2)] == [4, 10]
    (replaced,) = play.of(EventKind.REPLACED)
    assert (replaced["order_id"], replaced["parent_order_id"]) == (2, 1)


# --- 4


@pytest.mark.parametrize(
    ("sweeps", "fills", "codes"),
    [
        ("estimate", [(1002, 60, ESTIMATED), (1003, 40, 0)], []),
        ("best_level", [(1002, 60, 0)], []),
        ("deny", [], [DenyCode.TAKER_SWEEP]),
    ],
)
def test_hftbacktest_2_4_4_hides_the_first_levels_of_a_sweep_and_we_estimate_avoid_or_deny_it(
    sweeps: str, fills: list[tuple[int, int, int]], codes: list[DenyCode]
) -> None:
    bare, play = pair(price=1003, lots=100, tif=IOC, partial=True, sweeps=sweeps)
    bare.finish()
    play.finish()

    assert bare.execs[1] == [(1003, 40)]
    assert bare.position_lots == 40, "and that is what it books"
    assert play.fills() == fills
    assert denied(play) == codes


# --- 5


ENGINES: Final = 60  # more than half of them agree on the balance: that all do has a chance of 1e-16


def test_hftbacktest_2_4_4_iterates_orders_at_random_and_we_in_ascending_id() -> None:
    """Eight orders are filled at one instant, again and again."""
    rows = market(trade(40, SELL, 990, 1), end_ms=50)
    iterations, balances, logs = set(), set(), set()
    for _ in range(ENGINES):
        bare = Bare(rows)
        bare.until(SENT_MS)
        for order_id in range(1, 9):
            bare.send(BUY, order_id, ALONE - order_id % 3, 7 * order_id)
        iterations.add(tuple(bare.order_ids()))
        bare.finish()
        balances.add(float(bare.ledger()["balance"]))
        bare.close()
    for _ in range(3):
        play = Play(rows)
        play.until(SENT_MS)
        for level in (3, 1, 2, 0):
            play.view.new_order(BUY, level, ALONE - level, 7 * (1 + level))
        play.finish()
        reported = [int(event["order_id"]) for event in play.of(EventKind.FILL)]
        assert reported == [1, 2, 3, 4]
        logs.add(b"".join(event.tobytes() for event in play.log))

    assert len(iterations) > 1
    assert len(balances) > 1, "the last bits of a sum of float64 depend on its order"
    assert len(logs) == 1


# --- 6


def test_hftbacktest_2_4_4_tells_the_price_for_the_tick_size_of_an_order_and_we_have_the_instrument() -> None:
    bare, play = pair()
    record = record_at(binding.orders_get(bare.call("orders", 0), 1))

    assert record["tick_size"] == TICK
    assert Order(np.array([record], order_dtype).view(np.recarray)).tick_size == 1000
    assert play.engine.venue[0]["tick_size"] == float(INSTRUMENT.tick_size)
    play.close()


def test_hftbacktest_2_4_4_tells_prices_for_the_best_quantities_of_a_roi_book_and_we_read_quantities() -> (
    None
):
    bare, play = Bare(market(), roi_ticks=ROI), Play(market(), roi_ticks=ROI)
    bare.until(SENT_MS)
    play.until(SENT_MS)
    wrapped = binding.ROIVectorMarketDepth(bare.call("depth", 0))

    assert (wrapped.best_bid_qty, wrapped.best_ask_qty) == pytest.approx((100.0, 100.2))
    assert (lots_of(bare.of_book("best_bid_qty")), lots_of(bare.of_book("best_ask_qty"))) == (50, 60)
    assert (play.view.bid_lots(), play.view.ask_lots()) == (50, 60)
    play.close()


def test_hftbacktest_2_4_4_cannot_be_imported_whole_and_we_need_no_star() -> None:
    with pytest.raises(AttributeError, match="HashMapMarketDepthLiveBot"):
        exec("from hftbacktest import *", {})
    assert ctypes.CDLL(_hftbacktest.__file__).hashmapbt_close


# --- 7


def test_hftbacktest_2_4_4_shows_no_offers_when_the_market_leaves_the_roi_and_we_stop() -> None:
    """From 1092 the ask jumps to 1101, one tick above the range."""
    rows = [
        *book(0, [(1090, 50)], [(1092, 60)]),
        depth(20, SELL, 1092, 0),
        depth(20, SELL, 1101, 5),
        *ticks_of_time(21, 30),
    ]
    bare, play = Bare(rows, roi_ticks=ROI), Play(rows, roi_ticks=ROI)
    bare.until(25)

    assert bare.of_book("best_ask_tick") == INT64_MAX
    assert np.isnan([bare.of_book("best_ask"), bare.of_book("best_ask_qty")]).all()
    assert play.finish() == Stop.BOOK_OUT_OF_RANGE


CLEARED: Final = [
    *book(0, [(1000, 50)], [(1002, 60), (1003, 90)]),
    trade(10, BUY, 1002, 1),
    clear(20, SELL, 1003),
    depth(30, SELL, 1001, 5),
    depth(40, SELL, 1010, 5),
    depth(50, SELL, 1001, 0),
    depth(60, BUY, 999, 1),
]


def test_hftbacktest_2_4_4_keeps_offers_that_were_cleared_in_a_roi_book() -> None:
    """1002 and 1003 were cleared and come back when 1001 goes; the hash map shows 1010."""
    touches = {}
    for roi_ticks in (None, ROI):
        bare = Bare(CLEARED, roi_ticks=roi_ticks)
        bare.until(55)
        touches[roi_ticks] = bare.touch()

    assert touches == {None: (1000, 1010), ROI: (1000, 1002)}


def test_hftbacktest_2_4_4_brings_cleared_offers_back_in_a_roi_book_and_the_port_does_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cleared.npy"
    save_events(path, events_of(CLEARED))
    session = open_session(maker_config((path,), COMPILED_MAKER))
    while advance(session.engine.venue, session.state) != Stop.END_OF_DATA:
        pass
    release(session.engine.venue)

    assert (session.state.books[0]["bid_ticks"], session.state.books[0]["ask_ticks"]) == (1000, 1010)


def test_hftbacktest_2_4_4_brings_cleared_offers_back_and_we_refuse_the_roi_book(tmp_path: Path) -> None:
    path = tmp_path / "cleared.npy"
    save_events(path, events_of(CLEARED))
    depth_config = {"kind": "roi", "roi_min": "95", "roi_max": "105"}
    config = maker_config((path,), COMPILED_MAKER, engine__depth=depth_config)

    with pytest.raises(
        DataError, match=r"engine.depth must be auto or hashmap for .*cleared.npy: at row \d+"
    ):
        open_session(config)


@pytest.mark.parametrize("roi_ticks", [None, ROI], ids=["hashmap", "roi"])
def test_hftbacktest_2_4_4_skips_the_level_behind_a_clear_and_the_snapshot_after_it_hides_that(
    roi_ticks: tuple[int, int] | None,
) -> None:
    """Asks are cleared up to 1003: 1004 is best, 1005 is shown. Levels of the snapshot that follows are better."""
    asks = [(price_ticks, 5) for price_ticks in (1002, 1003, 1004, 1005)]
    rows = [*book(0, [(1000, 5)], asks), clear(20, SELL, 1003), *ticks_of_time(10, 80, 5)]
    bare = Bare(rows, roi_ticks=roi_ticks)
    play = Play([*rows, depth(20, SELL, 1003, 5), depth(40, SELL, 1003, 0)], roi_ticks=roi_ticks)
    bare.until(25)
    best = []
    for at_ms in (25, 45):
        play.until(at_ms)
        best.append(play.view.ask_ticks())

    assert bare.touch() == (1000, 1005)
    assert best == [1003, 1004]
    play.close()


# --- 8


def test_hftbacktest_2_4_4_fills_every_own_order_at_a_price_by_one_trade_and_so_do_we() -> None:
    """Optimism that stays: 3 lots trade, 30 are bought."""
    rows = market(trade(40, SELL, ALONE, 3))
    bare, play = Bare(rows), Play(rows)
    bare.until(SENT_MS)
    play.until(SENT_MS)
    for level in range(3):
        bare.send(BUY, 1 + level, ALONE, 10)
        play.view.new_order(BUY, level, ALONE, 10)
    bare.finish()
    play.finish()

    assert bare.position_lots == play.net_lots == 30


def test_hftbacktest_2_4_4_lets_own_orders_cross_and_we_deny_the_second() -> None:
    bare, play = pair(price=ALONE)
    bare.send(SELL, 2, ALONE, 10)
    bare.finish()
    play.view.new_order(SELL, 0, ALONE, 10)
    play.finish()

    assert bare.seen == {order_id: [(NONE, NEW), (NEW, NONE)] for order_id in (1, 2)}
    assert denied(play) == [DenyCode.SELF_CROSS]


# --- 9


def test_hftbacktest_2_4_4_keeps_own_orders_when_the_book_is_cleared_and_we_log_the_resync(
    tmp_path: Path,
) -> None:
    again = [depth(41, BUY, 1000, 50), depth(41, SELL, 1002, 60)]
    rows = market(clear(40, BUY, 900), clear(40, SELL, 1100), *again)
    bare = Bare(rows)
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1000, 10)
    bare.until(41)
    cleared = (bare.of_book("best_bid_tick"), bare.of_book("best_ask_tick"))
    bare.finish()
    path = tmp_path / "market.npy"
    save_events(path, events_of(rows))
    done = run(maker_config((path,), COMPILED_MAKER), tmp_path / "run")

    assert cleared == (INT64_MIN, INT64_MAX)
    assert bare.seen[1] == [(NONE, NEW), (NEW, NONE)], "nothing is told"
    (event,) = done.of(EventKind.CONNECTION)
    assert event["code"] == ConnectionCode.RESYNC
    assert event["now_ns"] == events_of(rows)["local_ts"][0] + 40 * MS


# --- 11


def test_hftbacktest_2_4_4_keeps_every_ended_order_and_we_clear_them() -> None:
    """Thirty orders that expire at once."""
    bare, play = Bare(market()), Play(market())
    for order_id in range(1, 31):
        bare.until(SENT_MS + order_id)
        bare.send(BUY, order_id, ALONE, 1, IOC)
        play.until(SENT_MS + order_id)
        play.view.new_order(BUY, order_id % 4, ALONE, 1, tif=IOC)
    bare.until(80)
    play.until(80)

    assert len(bare.order_ids()) == 30
    assert len(play.of(EventKind.SENT)) > 10
    assert binding.orders_len(int(play.engine.venue[0]["orders"])) == 0
    play.close()


# --- 12


def test_hftbacktest_2_4_4_refuses_an_asset_twice_and_we_make_one_for_each_instrument() -> None:
    events = events_of(market())
    asset = asset_of().data([events])
    spec = AssetSpec(INSTRUMENT, [events], None, 5 * MS, 5 * MS, "risk_averse", None, False, None)
    engine = build_engine([spec, spec])

    with pytest.raises(RuntimeError, match="Already borrowed"):
        _hftbacktest.build_hashmap_backtest([asset, asset])
    assert abi._LIBRARY.hashmapbt_num_assets(ctypes.c_int64(int(engine.venue[0]["backtest"]))) == 2
    release(engine.venue)


GIVEN: Final = {
    "name": "UNIT",
    "base_currency": "BTC",
    "quote_currency": "USDT",
    "tick_size": "0.1",
    "lot_size": "0.001",
    "contract_size": 1,
    "kind": "linear",
}


def assert_must_be_positive(size: str) -> None:
    InstrumentConfig.model_validate(GIVEN)
    without = {name: value for name, value in GIVEN.items() if name != size}
    for bad in (without, without | {size: "0"}, without | {size: "-0.1"}):
        with pytest.raises(ValidationError, match=size):
            InstrumentConfig.model_validate(bad)


def test_hftbacktest_2_4_4_replays_without_a_tick_size_and_ours_must_be_positive() -> None:
    asset = BacktestAsset().lot_size(LOT).constant_order_latency(MS, MS)
    bare = Bare(market(), asset=asset)

    assert bare.finish() == END
    assert (bare.of_book("best_bid_tick"), bare.of_book("best_ask_tick")) == (INT64_MAX, INT64_MAX)
    assert_must_be_positive("tick_size")


def test_hftbacktest_2_4_4_never_fills_a_queue_without_a_lot_size_and_ours_must_be_positive() -> None:
    statuses = {}
    for lot_size in (0.0, LOT):
        asset = BacktestAsset().tick_size(TICK).lot_size(lot_size).constant_order_latency(MS, MS)
        bare = Bare(market(trade(40, SELL, ALONE, 30)), asset=asset.risk_adverse_queue_model())
        bare.until(SENT_MS)
        bare.send(BUY, 1, ALONE, 10)
        bare.finish()
        statuses[lot_size] = int(bare.last[1]["status"])

    assert statuses == {0.0: NEW, LOT: FILLED}
    assert_must_be_positive("lot_size")
