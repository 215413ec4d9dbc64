"""What a slot holds after a wish: every pair, as written down here."""

import pytest

from trading_platform.core.merge import MERGE, merged, takes_asked
from trading_platform.model.enums import Held

N, R, C, RN, CN, K, CA, EMPTY = (
    Held.NEW,
    Held.REPLACE,
    Held.CANCEL,
    Held.REPLACE_OR_NEW,
    Held.CANCEL_THEN_NEW,
    Held.KEEP,
    Held.CANCEL_ABSORBED,
    Held.NOTHING,
)
ASKED = (N, R, C, K)
# held -> what it holds after NEW, REPLACE, CANCEL, KEEP was asked; "+": price and quantity are the asked ones
# fmt: off
EXPECTED = {
    EMPTY: ((N, "+"),  (R, "+"),  (C, "+"),  (K, "+")),
    N:  ((N, "+"),  (RN, "+"), (CA, "+"), (K, "+")),
    R:  ((R, "-"),  (R, "+"),  (C, "+"),  (K, "+")),
    C:  ((CN, "+"), (C, "-"),  (C, "+"),  (C, "-")),
    RN: ((RN, "-"), (RN, "+"), (CA, "+"), (K, "+")),
    CN: ((CN, "+"), (CN, "+"), (C, "+"),  (CN, "-")),
    K:  ((N, "+"),  (R, "+"),  (C, "+"),  (K, "+")),
    CA: ((CN, "+"), (CA, "-"), (CA, "+"), (CA, "-")),
}
# fmt: on


def test_table_is_total() -> None:
    assert set(MERGE) == set(EXPECTED) == set(Held)
    assert all(set(row) == set(ASKED) for row in MERGE.values())


@pytest.mark.parametrize("held", EXPECTED)
@pytest.mark.parametrize("column", range(4))
def test_every_pair(held: Held, column: int) -> None:
    asked = ASKED[column]
    after, sign = EXPECTED[held][column]
    assert MERGE[held][asked] == (after, sign == "+")
    assert merged(int(held), int(asked)) == after
    assert takes_asked(int(held), int(asked)) == (sign == "+")
