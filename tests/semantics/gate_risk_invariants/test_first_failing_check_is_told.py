"""When several rules forbid an order, the one that comes first in DenyCode is told."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import DenyCode, HaltCode

from ..harness import BUY, GTC, IOC, POST_ONLY, SELL, Session

LOTS, PRICE = 50, 1010
LIMITS: dict[DenyCode, dict[str, int]] = {
    DenyCode.TRADING_DISABLED: {"trading_enabled": 0},
    DenyCode.MIN_ORDER_NOTIONAL: {"order_notional_min": 10**6},
    DenyCode.SINGLE_ORDER_NOTIONAL: {"order_notional_max": 1},
    DenyCode.POSITION: {"position_lots_max": 1},
    DenyCode.GROSS_NOTIONAL: {"gross_notional_max": 1},
    DenyCode.QUOTE_GROSS_NOTIONAL: {"quote_gross_notional_max": 1},
    DenyCode.QUOTE_NET_NOTIONAL: {"quote_net_notional_max": 1},
    DenyCode.ACTIVE_QUOTES: {"active_quotes_max": 0},
}
OTHERS: dict[DenyCode, Callable[[Session], object]] = {
    DenyCode.DUPLICATE: lambda session: session.place(BUY, 900, 1),
    DenyCode.SELF_CROSS: lambda session: session.rest(SELL, PRICE, 1),
}
FORM = [DenyCode.BAD_QTY, DenyCode.BAD_PRICE]
BOOK = [DenyCode.POST_ONLY_WOULD_CROSS, DenyCode.TAKER_SWEEP]
CODES = sorted({DenyCode.HALTED, *LIMITS, *OTHERS, *FORM, *BOOK})


@pytest.mark.parametrize("first", CODES)
def test_order_that_breaks_all_rules_from_one_on(first: DenyCode) -> None:
    session = Session(taker_sweeps="deny")
    for code, prepare in OTHERS.items():
        if code >= first:
            prepare(session)
    session.touch(1000, PRICE, ask_lots=LOTS - 1 if first <= DenyCode.TAKER_SWEEP else LOTS)
    for code, limits in LIMITS.items():
        if code >= first:
            session.limit(**limits)
    if first <= DenyCode.HALTED:
        session.state.losses["halted"] = HaltCode.DRAWDOWN
    session.forget()
    session.new(
        BUY,
        0 if first <= DenyCode.BAD_PRICE else PRICE,
        0 if first <= DenyCode.BAD_QTY else LOTS,
        tif=POST_ONLY if first <= DenyCode.POST_ONLY_WOULD_CROSS else IOC if first in BOOK else GTC,
    )
    session.decide()
    assert session.denials() == [first]
