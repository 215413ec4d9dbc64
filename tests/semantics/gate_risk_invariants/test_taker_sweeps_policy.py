"""A taker that would eat more than the touch shows is sent whole, cut to the best level, or denied."""

import pytest

from trading_platform.model.enums import DenyCode, EventKind

from ..harness import BUY, SELL, Session


def session_with(policy: str) -> Session:
    session = Session(taker_sweeps=policy)
    session.touch(1000, 1010, bid_lots=4, ask_lots=4)
    return session


@pytest.mark.parametrize(("side", "price"), [(BUY, 1010), (BUY, 1020), (SELL, 1000), (SELL, 990)])
@pytest.mark.parametrize(("policy", "sent"), [("estimate", [9]), ("best_level", [4]), ("deny", [])])
def test_sweep(policy: str, sent: list[int], side: int, price: int) -> None:
    session = session_with(policy)
    session.new(side, price, 9)
    assert [command.qty_lots for command in session.decide()] == sent
    assert session.denials() == ([] if sent else [DenyCode.TAKER_SWEEP])


@pytest.mark.parametrize("policy", ["estimate", "best_level", "deny"])
def test_taker_within_the_touch_and_resting_orders_are_left_alone(policy: str) -> None:
    session = session_with(policy)
    session.new(BUY, 1010, 4)
    session.new(SELL, 1015, 9)
    assert [command.qty_lots for command in session.decide()] == [4, 9]


def test_cut_order_counts_and_fills_as_it_was_sent() -> None:
    session = session_with("best_level")
    session.market(BUY, 9)
    (command,) = session.decide()
    assert session.event(EventKind.INTENT)["qty_lots"] == 9
    assert session.position["open_buy_lots"] == 4
    session.fill(command.order_id, 4, 1010, maker=False)
    session.decide()
    assert session.net_lots == 4
    assert session.position["open_buy_lots"] == 0


def test_quantity_is_cut_when_the_order_goes_and_not_while_it_waits() -> None:
    session = session_with("best_level")
    session.rate(orders=(1000, 1))
    session.state.throttles[0]["tat_ns"] = session.now_ns + 5000
    session.new(BUY, 1010, 9)
    assert session.decide() == []
    session.touch(1000, 1010, bid_lots=4, ask_lots=7)
    session.advance(5000)
    session.fold()
    assert [command.qty_lots for command in session.decide()] == [7]
