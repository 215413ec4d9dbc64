"""Whatever forbids new orders, a cancel of a working order leaves at once."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import CommandKind, HaltCode

from ..harness import BUY, WIDE, Session

TROUBLES: dict[str, Callable[[Session], object]] = {
    "every limit 0": lambda session: session.limit(**dict.fromkeys(WIDE, 0)),
    "trading disabled": lambda session: session.limit(trading_enabled=0),
    "no book": lambda session: session.touch(0, 0),
    "halted": lambda session: session.state.losses["halted"].fill(HaltCode.DRAWDOWN),
    "over the position limit": lambda session: session.limit(position_lots_max=0),
    "no token for orders": lambda session: session.rate(orders=(10**15, 1)),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_cancel_leaves(trouble: str) -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    TROUBLES[trouble](session)
    session.cancel(BUY)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)
    assert session.denials() == []
