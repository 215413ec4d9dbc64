"""The tables of the core cannot be changed by a run, and say what the enums say."""

import pytest

from trading_platform.core import merge, order_fsm
from trading_platform.core.order_fsm import ALL, TERMINAL, is_terminal
from trading_platform.model.enums import OrderStatus, Pending

TABLES = {
    "next status": order_fsm._NEXT_STATUS,
    "next pending": order_fsm._NEXT_PENDING,
    "what is held": merge._HELD,
    "what is taken": merge._TAKES,
}


@pytest.mark.parametrize("name", TABLES)
def test_table_is_read_only(name: str) -> None:
    """A kernel reads it as a constant: a change would be seen by plain Python alone."""
    with pytest.raises(ValueError, match="read-only"):
        TABLES[name][0, 0] = 0


@pytest.mark.parametrize("status", OrderStatus)
def test_kernel_and_set_agree_on_what_is_terminal(status: OrderStatus) -> None:
    assert is_terminal(int(status)) == (status in TERMINAL)
    assert (status in TERMINAL) == (status.name in {"FILLED", "CANCELED", "EXPIRED", "REJECTED"})


def test_every_kind_of_request_is_in_the_table() -> None:
    assert int(ALL) == sum(int(kind) for kind in Pending)
    assert order_fsm._NEXT_PENDING.shape[0] == 2 ** len(Pending)
