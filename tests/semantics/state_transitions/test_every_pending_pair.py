"""Every set of requests in flight meets every report: what is still in flight then, as written down here."""

import pytest

from trading_platform.core.order_fsm import INVALID, PENDING_RULES, next_pending
from trading_platform.model.enums import Pending, ReportKind

# N new, R replace, C cancel, U unknown; "-" nothing in flight; "!" no such request was made: impossible
COLUMNS = (
    "FILL",
    "ACK",
    "REPLACED",
    "CANCELED",
    "EXPIRED",
    "REJECTED",
    "CANCEL_REJECTED",
    "REPLACE_REJECTED",
)
# fmt: off
EXPECTED = {
    "-":    ("-",  "-",  "!", "-", "-", "!", "!",  "!"),
    "N":    ("-",  "-",  "!", "-", "-", "-", "!",  "!"),
    "R":    ("R",  "R",  "-", "-", "-", "!", "!",  "-"),
    "NR":   ("R",  "R",  "-", "-", "-", "-", "!",  "N"),
    "C":    ("C",  "C",  "!", "-", "-", "!", "-",  "!"),
    "NC":   ("C",  "C",  "!", "-", "-", "-", "N",  "!"),
    "RC":   ("RC", "RC", "C", "-", "-", "!", "R",  "C"),
    "NRC":  ("RC", "RC", "C", "-", "-", "-", "NR", "NC"),
    "U":    ("-",  "-",  "!", "-", "-", "!", "!",  "!"),
    "NU":   ("-",  "-",  "!", "-", "-", "-", "!",  "!"),
    "RU":   ("R",  "R",  "-", "-", "-", "!", "!",  "-"),
    "NRU":  ("R",  "R",  "-", "-", "-", "-", "!",  "N"),
    "CU":   ("C",  "C",  "!", "-", "-", "!", "-",  "!"),
    "NCU":  ("C",  "C",  "!", "-", "-", "-", "N",  "!"),
    "RCU":  ("RC", "RC", "C", "-", "-", "!", "R",  "C"),
    "NRCU": ("RC", "RC", "C", "-", "-", "-", "NR", "NC"),
}
# fmt: on
LETTERS = {
    "N": Pending.NEW,
    "R": Pending.REPLACE,
    "C": Pending.CANCEL,
    "U": Pending.UNKNOWN,
    "-": Pending.NONE,
}


def pending_of(letters: str) -> Pending:
    pending = Pending.NONE
    for letter in letters:
        pending |= LETTERS[letter]
    return pending


def test_expectation_covers_every_pair() -> None:
    assert {int(pending_of(letters)) for letters in EXPECTED} == set(range(16))
    assert [kind.name for kind in ReportKind] == list(COLUMNS)


@pytest.mark.parametrize("before", EXPECTED)
@pytest.mark.parametrize("report", ReportKind)
def test_kernel_and_table_agree_with_the_expectation(before: str, report: ReportKind) -> None:
    after = EXPECTED[before][report]
    pending = pending_of(before)
    answers, clears = PENDING_RULES[report]
    by_rule = pending & ~clears if answers == Pending.NONE or pending & answers else None
    assert by_rule == (None if after == "!" else pending_of(after))
    assert next_pending(int(pending), int(report)) == (INVALID if after == "!" else int(pending_of(after)))
