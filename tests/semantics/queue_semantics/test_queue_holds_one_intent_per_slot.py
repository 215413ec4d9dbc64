"""However much is asked while nothing may go, a slot of the outbox holds one wish, reserved once."""

import random

import pytest

from ..harness import BUY, SELL, Session

LEVELS = 3


@pytest.mark.parametrize("seed", range(5))
def test_storm_of_wishes_leaves_one_per_slot(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    session = Session()
    session.rate(orders=(10**15, 1), cancels=(10**15, 1))
    session.place(BUY, 900, 1, level=3)
    for _ in range(40):
        for _ in range(draw.randint(1, 6)):
            side, level = draw.choice((BUY, SELL)), draw.randrange(LEVELS)
            price, lots = (990 if side > 0 else 1020) + draw.randint(-5, 5), draw.randint(1, 9)
            draw.choice(
                (
                    lambda s=side, p=price, n=lots, at=level: session.new(s, p, n, at),
                    lambda s=side, p=price, n=lots, at=level: session.quote(s, p, n, at),
                    lambda s=side, p=price, n=lots, at=level: session.replace(s, p, n, at),
                    lambda s=side, at=level: session.cancel(s, at),
                )
            )()
        assert session.decide() == []
        held = [index for index, slot in enumerate(session.state.slots) if slot["held"]]
        chain, at = [], int(session.session["held_head"])
        while at >= 0:
            chain.append(at)
            at = int(session.state.slots[at]["next_slot"])
        assert sorted(chain) == held
        assert len(chain) == session.session["held_count"]
        for side, name in ((BUY, "open_buy_lots"), (SELL, "open_sell_lots")):
            waiting = sum(
                int(slot["held_lots"]) for slot in session.state.slots[held] if slot["side"] == side
            )
            assert session.position[name] == waiting + (1 if side == BUY else 0)
