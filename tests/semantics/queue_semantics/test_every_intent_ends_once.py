"""Each INTENT in the log ends in exactly one of: sent, denied, given up."""

import random
from collections import Counter

import pytest

from trading_platform.model.enums import ReplacePolicy

from ..harness import BUY, SECOND_NS, SELL, Session, intent_ends


def waiting(session: Session) -> set[int]:
    return {int(slot["held_seq"]) for slot in session.state.slots if slot["held"] and slot["held_seq"]}


@pytest.mark.parametrize("policy", ReplacePolicy)
@pytest.mark.parametrize("seed", range(4))
def test_random_session(policy: ReplacePolicy, seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    session = Session(policy=policy, position_lots_max=12)
    session.rate(orders=(SECOND_NS, 3), cancels=(SECOND_NS, 2))
    for _ in range(150):
        session.advance(draw.choice((0, 1, SECOND_NS // 3, SECOND_NS)))
        for order in session.state.orders[session.state.orders["pending"] > 0]:
            answer(session, draw, int(order["order_id"]))
        for _ in range(draw.randint(0, 3)):
            wish(session, draw)
        session.decide()
    outcome = intent_ends(session.log)
    for seq, how in outcome.items():
        assert len(how) == (0 if seq in waiting(session) else 1), (seq, how)
    seen = Counter(how for (how,) in (found for found in outcome.values() if found))
    assert {"NEW", "CANCEL", "DENIED", "SUPERSEDED"} <= set(seen)  # the session was worth it


def answer(session: Session, draw: random.Random, order_id: int) -> None:
    pending = int(session.order(order_id)["pending"])
    if draw.random() < 0.4:
        return
    if pending & 1:
        draw.choice((session.ack, session.ack, session.rejected))(order_id)
    elif pending & 4:
        draw.choice((session.canceled, session.canceled, session.cancel_rejected))(order_id)


def wish(session: Session, draw: random.Random) -> None:
    side, level = draw.choice((BUY, SELL)), draw.randrange(3)
    price, lots = (990 if side > 0 else 1020) + draw.randint(-2, 2), draw.randint(1, 6)
    match draw.randrange(4):
        case 0:
            session.new(side, price, lots, level)
        case 1:
            session.quote(side, price, draw.choice((0, lots)), level)
        case 2:
            session.replace(side, price, lots, level)
        case _:
            session.cancel(side, level)
