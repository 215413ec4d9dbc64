"""Why a loop stopped decides how the run ended: no stop but the end of the data passes for success."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle.builders import maker_config

from trading_platform.backtest.engine import Session, _judge, open_session
from trading_platform.data.files import save_events
from trading_platform.model.enums import AnomalyCode, CommandKind, Stop
from trading_platform.model.errors import (
    DataError,
    EngineError,
    OrderTransitionError,
    StrategyError,
    TradingPlatformError,
)
from trading_platform.runner.loop import release
from trading_platform.venues.hftbacktest.returncodes import FATAL, explain

from .play import BUY, LOCAL_MS, SELL, Play, book, events_of, ticks_of_time, trade

OPEN = book(0, [(1000, 50)], [(1002, 60)])
UNKNOWN_CODE = 77


@pytest.fixture
def session(tmp_path: Path) -> Any:
    """Return an open session over a small market, freed afterwards."""
    path = tmp_path / "market.npz"
    save_events(path, events_of([*OPEN, *ticks_of_time(1, 20), trade(9, BUY, 1002, 1)]))
    opened = open_session(maker_config((path,)))
    yield opened
    release(opened.engine.venue)


def judged(
    session: Session, stop: Stop, detail: int = 0, order_id: int = 0, anomalies: int = 0
) -> dict[str, Any]:
    session.state.session[0]["stop_detail"] = detail
    session.state.session[0]["stop_order_id"] = order_id
    by_code = {AnomalyCode.OVERFILL.name: anomalies} if anomalies else {}
    record: dict[str, Any] = {
        "wakeups": 1,
        "summary": {"anomalies": {"total": anomalies, "by_code": by_code}},
    }
    _judge(session, stop, record)
    return record


@pytest.mark.parametrize("stop", [Stop.END_OF_DATA, Stop.MAX_WAKEUPS])
def test_the_end_is_no_failure(session: Session, stop: Stop) -> None:
    assert judged(session, stop)["stop"] == stop.name


@pytest.mark.parametrize("code", [*FATAL, UNKNOWN_CODE, -3])
@pytest.mark.parametrize("stop", [Stop.ENGINE_ERROR, Stop.COMMAND_REFUSED])
def test_every_fatal_return_code_fails_the_run(session: Session, stop: Stop, code: int) -> None:
    with pytest.raises(EngineError) as caught:
        judged(session, stop, code, order_id=4217)

    assert explain(code) in str(caught.value)
    assert "4217" in str(caught.value)


WORDS: dict[Stop, tuple[type[TradingPlatformError], tuple[str, ...]]] = {
    Stop.LIVELOCK: (EngineError, ("no progress twice", "123")),
    Stop.BOOK_OUT_OF_RANGE: (EngineError, ("ROI", "engine.depth", "hashmap", "between 95.1 and 105.3")),
    Stop.BAD_FILL_PRICE: (EngineError, ("order 7", "123 ticks")),
    Stop.INTENTS_FULL: (StrategyError, ("at most", "appended 123")),
    Stop.BAD_INTENT: (StrategyError, ("intent 123", "levels are 0 to 15")),
    Stop.TRADES_FULL: (DataError, ("had 123", "raise engine.trades_capacity")),
    Stop.BAD_TRADE: (DataError, ("quantity > 0", "at 123 ticks")),
    Stop.STRATEGY_ERROR: (StrategyError, ("STRATEGY_ERROR", "123")),
    Stop.RUNNING: (StrategyError, ("RUNNING",)),
    Stop.WAKE: (StrategyError, ("WAKE",)),
    Stop.FLUSH: (StrategyError, ("FLUSH",)),
}


@pytest.mark.parametrize("stop", WORDS, ids=lambda stop: stop.name)
def test_every_other_stop_fails_the_run_and_says_why(session: Session, stop: Stop) -> None:
    kind, words = WORDS[stop]
    with pytest.raises(kind) as caught:
        judged(session, stop, 123, order_id=7)

    assert all(word in str(caught.value) for word in (*words, "seq=")), str(caught.value)


def test_no_stop_is_left_out_here() -> None:
    assert set(Stop) == set(WORDS) | {
        Stop.END_OF_DATA,
        Stop.MAX_WAKEUPS,
        Stop.ENGINE_ERROR,
        Stop.COMMAND_REFUSED,
    }


def test_anomalies_fail_a_run_that_reached_the_end_unless_the_config_says_halt(session: Session) -> None:
    with pytest.raises(OrderTransitionError, match=r"3 reports .*OVERFILL"):
        judged(session, Stop.END_OF_DATA, anomalies=3)

    engine = session.config.engine.model_copy(update={"on_anomaly": "halt"})
    session.config = session.config.model_copy(update={"engine": engine})
    assert judged(session, Stop.END_OF_DATA, anomalies=3)["stop"] == "END_OF_DATA"


def test_fatal_code_of_a_wait_stops_the_loop_with_the_code() -> None:
    """The engine fills in parts, but the adapter is told otherwise and sends exact quantities: code 14.

    The first trade exhausts the order exactly; the engine trips over it at the second.
    """
    trades = [trade(40, SELL, 1001, 10), trade(41, SELL, 1001, 5)]
    play = Play([*OPEN, *ticks_of_time(1, 100), *trades], partial=True)
    play.engine.venue["partial_fill"] = 0
    play.until(10 + LOCAL_MS)
    play.view.new_order(BUY, 0, 1001, 10)

    assert play.finish() == Stop.ENGINE_ERROR
    assert play.session["stop_detail"] == 14


def test_command_that_the_engine_refuses_stops_the_loop_with_code_and_order() -> None:
    play = Play([*OPEN, *ticks_of_time(1, 100)])
    play.until(10)
    command = play.state.commands[0]
    command["kind"], command["order_id"] = CommandKind.CANCEL, 4217
    play.session["command_count"] = 1

    assert play.finish() == Stop.COMMAND_REFUSED
    assert (play.session["stop_detail"], play.session["stop_order_id"]) == (12, 4217)


def test_order_the_engine_has_lost_stops_the_loop() -> None:
    """An id that was never submitted there, as if the engine had cleared it."""
    play = Play([*OPEN, *ticks_of_time(1, 100)])
    play.until(10)
    play.view.new_order(BUY, 0, 1000, 10)
    play.until(30)
    row = play.order(1)
    row["order_id"] = 1 + len(play.state.orders)
    play.view.new_order(SELL, 0, 1002, 10)  # its ack makes the adapter look at all orders

    assert play.finish() == Stop.ENGINE_ERROR
    assert (play.session["stop_detail"], play.session["stop_order_id"]) == (12, 1 + len(play.state.orders))


def test_intents_beyond_the_buffer_and_slots_that_do_not_exist_stop_the_loop() -> None:
    for asks, stop in (("many", Stop.INTENTS_FULL), ("bad slot", Stop.BAD_INTENT)):
        play = Play([*OPEN, *ticks_of_time(1, 100)])
        play.until(10)
        for _ in range(len(play.state.intents) + 1 if asks == "many" else 1):
            play.view.cancel(BUY, 0)
        if asks == "bad slot":
            play.state.intents[0]["slot"] = len(play.state.slots)
        assert play.finish() == stop
        assert play.of() == []


def test_a_closed_engine_is_forgotten() -> None:
    play = Play(OPEN)
    play.wake()
    play.close()
    release(play.engine.venue)  # twice is no crash

    assert np.all(play.engine.venue["backtest"] == 0)
