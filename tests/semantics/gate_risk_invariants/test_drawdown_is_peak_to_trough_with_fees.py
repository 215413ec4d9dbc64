"""Drawdown is the fall of equity from its highest value so far, fees included, at every mark."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from trading_platform.model.enums import EventKind

from ..harness import BUY, LINEAR, SELL, TICK_MONEY, Session

FEE_RATE = Decimal("0.001")
FEES = replace(LINEAR, maker_fee_rate=FEE_RATE, taker_fee_rate=FEE_RATE)


@pytest.mark.parametrize("seed", range(3))
def test_drawdown_agrees_with_an_exact_ledger(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    session = Session(instrument=FEES, bid=999, ask=1001)
    cash, net_lots, mark = Fraction(0), 0, 1000
    path = [Fraction(0)]
    for _ in range(60):
        mark += draw.randint(-20, 20)
        side, lots, price = draw.choice((BUY, SELL)), draw.randint(1, 9), mark + draw.randint(-3, 3)
        session.touch(mark - 1, mark + 1)
        order_id = session.place(side, price, lots)
        path.append(cash + net_lots * mark)
        session.fill(order_id, lots, price)
        cash -= side * lots * price + lots * price * Fraction(FEE_RATE)
        net_lots += side * lots
        path.append(cash + net_lots * mark)
        session.decide()
        assert Fraction(int(session.state.losses[0]["equity_money"]), TICK_MONEY) == path[-1]
    peaks = [max(path[: index + 1]) for index in range(len(path))]
    worst = max(peak - equity for peak, equity in zip(peaks, path, strict=True))
    assert Fraction(int(session.state.losses[0]["drawdown_money_max"]), TICK_MONEY) == worst


def test_fees_alone_are_a_drawdown() -> None:
    session = Session(instrument=FEES, bid=999, ask=1001, drawdown_money_max=2 * TICK_MONEY)
    for _ in range(2):  # 1 tick of fees a fill: exactly the limit
        session.fill(session.rest(BUY, 1000, 1), 1, 1000)
        session.decide()
    assert session.events(EventKind.HALT) == []
    session.fill(session.rest(SELL, 1000, 1), 1, 1000)
    session.decide()
    assert session.event(EventKind.HALT)["a"] == 3 * TICK_MONEY


def test_gain_that_is_lost_again_is_a_drawdown() -> None:
    session = Session(bid=999, ask=1001, drawdown_money_max=100 * TICK_MONEY)
    session.hold_position(10, price=1000)
    session.touch(1049, 1051)
    session.decide()
    session.touch(1038, 1040)  # still 390 ticks ahead, but 110 below the peak
    session.decide()
    assert session.event(EventKind.HALT)["a"] == 110 * TICK_MONEY
    session.finish()
    assert session.event(EventKind.PNL)["a"] == 390 * TICK_MONEY
    assert session.event(EventKind.PNL)["c"] == 110 * TICK_MONEY
