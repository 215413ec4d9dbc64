"""Too many intents, or one for a slot that does not exist, stop the run: nothing is dropped in silence."""

import pytest
from semantics.harness import BUY, Session

from trading_platform.core import step
from trading_platform.core.state import new_state
from trading_platform.model.enums import Stop
from trading_platform.model.errors import ConfigError


def test_last_intent_that_fits_is_taken() -> None:
    session = Session()
    for _ in range(len(session.state.intents)):
        session.new(BUY, 1000, 1)
    assert len(session.decide()) == 1


def test_one_intent_too_many_stops_the_run() -> None:
    session = Session()
    for _ in range(len(session.state.intents) + 1):
        session.new(BUY, 1000, 1)
    session.fold()
    assert step.decide(session.state) == Stop.INTENTS_FULL
    assert session.session["stop_detail"] == len(session.state.intents) + 1
    assert session.session["command_count"] == 0


@pytest.mark.parametrize("slot", [-1, 8])
def test_slot_that_does_not_exist_stops_the_run(slot: int) -> None:
    session = Session(levels_per_side=4)
    session.new(BUY, 1000, 1)
    session.new(BUY, 1000, 1, level=1)
    session.state.intents[1]["slot"] = slot
    session.fold()
    assert step.decide(session.state) == Stop.BAD_INTENT
    assert session.session["stop_detail"] == 1
    assert session.session["command_count"] == 0


@pytest.mark.parametrize(("side", "level", "instrument"), [(BUY, 4, 0), (BUY, -1, 0), (0, 0, 0), (BUY, 0, 1)])
def test_view_refuses_a_slot_that_does_not_exist(side: int, level: int, instrument: int) -> None:
    session = Session(levels_per_side=4)
    with pytest.raises(IndexError, match="no slot"):
        session.new(side, 1000, 1, level, instrument=instrument)


@pytest.mark.parametrize("levels", [0, 1025])
def test_levels_per_side_are_bounded(levels: int) -> None:
    with pytest.raises(ConfigError, match=f"levels_per_side must be 1 to 1024, was {levels}"):
        new_state(levels_per_side=levels)


def test_journal_has_room_for_the_largest_block() -> None:
    """A storm of intents and reports writes no more than events_per_block."""
    session = Session()
    for round_ in range(3):
        for index in range(len(session.state.intents)):
            level, side = index % 4, (1, -1)[index // 4 % 2]
            ask = (session.new, session.replace, session.quote)[index % 3]
            ask(side, (900 if side > 0 else 1100) + index % 7 + round_, 1 + index % 5, level)
        for order in session.state.orders[session.state.orders["pending"] > 0]:
            session.ack(int(order["order_id"]))
            session.fill(int(order["order_id"]), 1, int(order["price_ticks"]))
        before = len(session.log)
        session.decide()
        assert len(session.log) - before <= session.session["events_per_block"]


@pytest.mark.parametrize("kind", [0, 5, -1])
def test_kind_of_intent_that_does_not_exist_stops_the_run(kind: int) -> None:
    session = Session()
    session.new(BUY, 1000, 1)
    session.state.intents[0]["kind"] = kind
    session.fold()
    assert step.decide(session.state) == Stop.BAD_INTENT
    assert session.session["command_count"] == 0
