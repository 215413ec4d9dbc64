"""After the end of the data no command leaves, not even a cancel: there is nobody to take it."""

import pytest

from trading_platform.model.enums import DenyCode

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize("wish", ["new", "replace", "cancel"])
def test_every_wish_is_denied(wish: str) -> None:
    session = Session()
    session.rest(BUY, 1000, 5)
    session.session["ended"] = 1
    if wish == "new":
        session.new(SELL, 1010, 5)
    elif wish == "replace":
        session.replace(BUY, 999, 5)
    else:
        session.cancel(BUY)
    assert session.decide() == []
    assert session.denials() == [DenyCode.END_OF_DATA]
