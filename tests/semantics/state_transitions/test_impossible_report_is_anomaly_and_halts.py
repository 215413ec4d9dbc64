"""A report that the tables call impossible is written down, changes nothing, and stops its instrument."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import AnomalyCode, CommandKind, DenyCode, EventKind, HaltCode, ReportKind

from ..harness import BUY, SELL, Session

CASES: dict[str, tuple[Callable[[Session, int], object], AnomalyCode]] = {
    "reject after the ack": (Session.rejected, AnomalyCode.IMPOSSIBLE_STATUS),
    "cancel refused that was not asked": (Session.cancel_rejected, AnomalyCode.IMPOSSIBLE_PENDING),
    "replaced that was not asked": (
        lambda session, order_id: session.report(ReportKind.REPLACED, order_id, last_lots=1, last_ticks=1),
        AnomalyCode.IMPOSSIBLE_PENDING,
    ),
    "replace refused that was not asked": (
        lambda session, order_id: session.report(ReportKind.REPLACE_REJECTED, order_id),
        AnomalyCode.IMPOSSIBLE_PENDING,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_order_is_left_as_it_was_and_canceled(case: str) -> None:
    deliver, code = CASES[case]
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    before = session.order(order_id).copy()
    session.forget()
    deliver(session, order_id)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)
    after = session.order(order_id)
    for name in ("status", "price_ticks", "order_lots", "cum_lots", "leaves_lots"):
        assert after[name] == before[name]
    assert session.event(EventKind.ANOMALY)["code"] == code
    assert session.event(EventKind.HALT)["code"] == HaltCode.ANOMALY


def test_nothing_new_for_that_instrument_only() -> None:
    session = Session(instruments=2)
    bad = session.rest(BUY, 1000, 5)
    good = session.rest(BUY, 1000, 5, instrument=1)
    session.rejected(bad)
    session.new(SELL, 1010, 1)
    session.new(SELL, 1010, 1, instrument=1)
    commands = session.decide()
    assert [(command.kind, command.order_id == bad) for command in commands] == [
        (CommandKind.CANCEL, True),
        (CommandKind.NEW, False),
    ]
    assert session.denials() == [DenyCode.HALTED]
    assert session.order(good)["pending"] == 0


def test_reason_of_an_earlier_halt_stays() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.hold_position(10, price=1006)
    session.limit(drawdown_money_max=0)
    session.touch(999, 1009)
    session.decide()
    session.rejected(order_id)
    session.decide()
    assert len(session.events(EventKind.ANOMALY)) == 1
    assert session.event(EventKind.HALT)["code"] == HaltCode.DRAWDOWN
    assert session.state.losses[0]["halted"] == HaltCode.DRAWDOWN
