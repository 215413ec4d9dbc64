"""Every status meets every event, in the kernel, the readable table and a session: as written down here."""

from collections.abc import Callable

import pytest

from trading_platform.core.order_fsm import INVALID, TERMINAL, TRANSITIONS, is_terminal, next_status
from trading_platform.model.enums import AnomalyCode, EventKind, HaltCode, OrderEvent, OrderStatus

from ..harness import BUY, Session

S, E = OrderStatus, OrderEvent
IMPOSSIBLE = None
# fmt: off
EXPECTED: dict[tuple[OrderStatus, OrderEvent], OrderStatus | None] = {
    (S.PENDING_NEW, E.ACK):               S.WORKING,
    (S.PENDING_NEW, E.PARTIAL_FILL):      S.PARTIALLY_FILLED,
    (S.PENDING_NEW, E.FILL):              S.FILLED,
    (S.PENDING_NEW, E.CANCEL):            S.CANCELED,
    (S.PENDING_NEW, E.EXPIRE):            S.EXPIRED,
    (S.PENDING_NEW, E.REJECT):            S.REJECTED,
    (S.WORKING, E.ACK):                   S.WORKING,
    (S.WORKING, E.PARTIAL_FILL):          S.PARTIALLY_FILLED,
    (S.WORKING, E.FILL):                  S.FILLED,
    (S.WORKING, E.CANCEL):                S.CANCELED,
    (S.WORKING, E.EXPIRE):                S.EXPIRED,
    (S.WORKING, E.REJECT):                IMPOSSIBLE,
    (S.PARTIALLY_FILLED, E.ACK):          S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, E.PARTIAL_FILL): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, E.FILL):         S.FILLED,
    (S.PARTIALLY_FILLED, E.CANCEL):       S.CANCELED,
    (S.PARTIALLY_FILLED, E.EXPIRE):       S.EXPIRED,
    (S.PARTIALLY_FILLED, E.REJECT):       IMPOSSIBLE,
    (S.FILLED, E.ACK):                    S.FILLED,
    (S.FILLED, E.PARTIAL_FILL):           IMPOSSIBLE,
    (S.FILLED, E.FILL):                   IMPOSSIBLE,
    (S.FILLED, E.CANCEL):                 IMPOSSIBLE,
    (S.FILLED, E.EXPIRE):                 IMPOSSIBLE,
    (S.FILLED, E.REJECT):                 IMPOSSIBLE,
    (S.CANCELED, E.ACK):                  S.CANCELED,
    (S.CANCELED, E.PARTIAL_FILL):         S.CANCELED,
    (S.CANCELED, E.FILL):                 S.FILLED,
    (S.CANCELED, E.CANCEL):               IMPOSSIBLE,
    (S.CANCELED, E.EXPIRE):               IMPOSSIBLE,
    (S.CANCELED, E.REJECT):               IMPOSSIBLE,
    (S.EXPIRED, E.ACK):                   S.EXPIRED,
    (S.EXPIRED, E.PARTIAL_FILL):          S.EXPIRED,
    (S.EXPIRED, E.FILL):                  S.FILLED,
    (S.EXPIRED, E.CANCEL):                IMPOSSIBLE,
    (S.EXPIRED, E.EXPIRE):                IMPOSSIBLE,
    (S.EXPIRED, E.REJECT):                IMPOSSIBLE,
    (S.REJECTED, E.ACK):                  IMPOSSIBLE,
    (S.REJECTED, E.PARTIAL_FILL):         IMPOSSIBLE,
    (S.REJECTED, E.FILL):                 IMPOSSIBLE,
    (S.REJECTED, E.CANCEL):               IMPOSSIBLE,
    (S.REJECTED, E.EXPIRE):               IMPOSSIBLE,
    (S.REJECTED, E.REJECT):               IMPOSSIBLE,
}
# fmt: on
LOTS = 5
REACH: dict[OrderStatus, Callable[[Session, int], object]] = {
    S.PENDING_NEW: lambda session, order_id: None,
    S.WORKING: lambda session, order_id: session.ack(order_id),
    S.PARTIALLY_FILLED: lambda session, order_id: session.fill(order_id, 2, 1000),
    S.FILLED: lambda session, order_id: session.fill(order_id, LOTS, 1000),
    S.CANCELED: lambda session, order_id: session.canceled(order_id),
    S.EXPIRED: lambda session, order_id: session.expired(order_id),
    S.REJECTED: lambda session, order_id: session.rejected(order_id),
}
DELIVER: dict[OrderEvent, Callable[[Session, int, int], object]] = {
    E.ACK: lambda session, order_id, rest: session.ack(order_id),
    E.PARTIAL_FILL: lambda session, order_id, rest: session.fill(order_id, 1, 1000),
    E.FILL: lambda session, order_id, rest: session.fill(order_id, max(1, rest), 1000),
    E.CANCEL: lambda session, order_id, rest: session.canceled(order_id),
    E.EXPIRE: lambda session, order_id, rest: session.expired(order_id),
    E.REJECT: lambda session, order_id, rest: session.rejected(order_id),
}


def test_expectation_covers_every_pair() -> None:
    assert set(EXPECTED) == {(status, event) for status in S for event in E}


@pytest.mark.parametrize(("status", "event"), EXPECTED)
def test_kernel_and_table_agree_with_the_expectation(status: OrderStatus, event: OrderEvent) -> None:
    expected = EXPECTED[status, event]
    assert TRANSITIONS[status].get(event) == expected
    assert next_status(int(status), int(event)) == (INVALID if expected is None else expected)


@pytest.mark.parametrize("status", S)
def test_terminal_statuses(status: OrderStatus) -> None:
    terminal = status in (S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED)
    assert is_terminal(int(status)) == terminal == (status in TERMINAL)


@pytest.mark.parametrize(("status", "event"), EXPECTED)
def test_order_of_a_session_moves_as_expected(status: OrderStatus, event: OrderEvent) -> None:
    session = Session()
    order_id = session.place(BUY, 1000, LOTS)
    REACH[status](session, order_id)
    session.decide()
    assert session.status(order_id) == status
    net_before, rest = session.net_lots, LOTS - int(session.order(order_id)["cum_lots"])
    session.forget()

    DELIVER[event](session, order_id, rest)
    session.decide()
    expected = EXPECTED[status, event]
    assert session.status(order_id) == (status if expected is None else expected)
    booked = {E.PARTIAL_FILL: 1, E.FILL: max(1, rest)}.get(event, 0)
    assert session.net_lots == net_before + booked  # a fill is money, in every status
    assert len(session.events(EventKind.FILL)) == (1 if booked else 0)
    anomalies = [AnomalyCode(int(found["code"])) for found in session.events(EventKind.ANOMALY)]
    halted = HaltCode(int(session.state.losses[0]["halted"]))
    if expected is None:
        overfill = status == S.FILLED and booked
        assert anomalies == [AnomalyCode.OVERFILL if overfill else AnomalyCode.IMPOSSIBLE_STATUS]
        assert halted == HaltCode.ANOMALY
    else:
        assert anomalies == []
        assert halted == HaltCode.NONE
