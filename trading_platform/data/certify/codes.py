"""What a certificate can find: codes, how grave each is, what it does to a backtest, and what can be done.

The numbers of the codes index the counters of the kernels; on disk stand the names.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Severity(StrEnum):
    """How grave a finding is."""

    INFO = "info"  # worth knowing, nothing is wrong
    WARNING = "warning"  # results can be off where it stands
    ERROR = "error"  # results are wrong, or the engine refuses the data


class Verdict(StrEnum):
    """What a certificate says in one word."""

    CLEAN = "clean"
    WARNINGS = "warnings"
    ERRORS = "errors"


class Code(IntEnum):
    """One kind of finding. Append, never renumber."""

    UNKNOWN_KIND = 0
    BAD_FLAGS = 1
    BAD_TIME = 2
    BAD_NUMBER = 3
    OFF_TICK = 4
    OFF_LOT = 5
    EXCH_ORDER = 6
    LOCAL_ORDER = 7
    LATENCY = 8
    SEQUENCE_GAP = 9
    TIME_GAP = 10
    QUIET_DEPTH = 11
    QUIET_TRADES = 12
    CROSSED = 13
    LOCKED = 14
    ONE_SIDED = 15
    STALE_LEVEL = 16
    TRADE_OUTSIDE = 17
    TRADE_AFTER_DEPTH = 18
    DUPLICATE = 19
    PRICE_JUMP = 20
    CLOCK_DRIFT = 21
    CLOCK_SHIFTED = 22
    GRID_TOO_FINE = 23
    NO_SNAPSHOT = 24
    NO_TRADES = 25
    FAR_LEVEL = 26
    DUPLICATE_TRADE = 27
    NO_BOOK = 28


class Meaning(NamedTuple):
    """What a code says: severity, the finding, its effect on a backtest, and the unit of a place's value."""

    severity: Severity
    what: str
    effect: str
    cure: str
    unit: str = ""


_CLEAN: Final = "`trading-platform data clean --fix {code}` "
_INFO, _WARN, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR
MEANINGS: Final[Mapping[Code, Meaning]] = MappingProxyType({
    Code.UNKNOWN_KIND: Meaning(
        _ERROR, "rows of a kind that a price-level book does not act on",
        "the engine skips them without a word; a run refuses the file",
        _CLEAN + "drops them", "kind",
    ),
    Code.BAD_FLAGS: Meaning(
        _ERROR, "rows without EXCH or LOCAL flag, or without one side",
        "neither the venue nor the strategy sees them, or both sides do; a run refuses the file",
        _CLEAN + "drops them", "ev",
    ),
    Code.BAD_TIME: Meaning(
        _ERROR, "times that are no nanoseconds between 1970 and 2116",
        "the engine's clock jumps; a run refuses the file",
        _CLEAN + "drops them; if all rows have it, the unit of the source is not ns", "ns",
    ),
    Code.BAD_NUMBER: Meaning(
        _ERROR, "prices or quantities that are not finite, negative, zero or too large",
        "levels and fills at nonsense prices; a run refuses the file",
        _CLEAN + "drops them",
    ),
    Code.OFF_TICK: Meaning(
        _ERROR, "prices off the tick grid",
        "the engine rounds them and merges levels; a run refuses the file",
        "check the tick size of that date first; " + _CLEAN + "drops the rows",
    ),
    Code.OFF_LOT: Meaning(
        _ERROR, "quantities off the lot grid",
        "queues ahead of an order are off; a run refuses the file",
        "check the lot size of that date first; " + _CLEAN + "drops the rows",
    ),
    Code.EXCH_ORDER: Meaning(
        _ERROR, "venue times that fall, within a file or from one file to the next",
        "the simulated venue acts on the past; a run refuses the file",
        "order the files by time; within one file " + _CLEAN + "sorts", "ns",
    ),
    Code.LOCAL_ORDER: Meaning(
        _ERROR, "receipt times that fall, within a file or from one file to the next",
        "the strategy sees the past; a run refuses the file",
        "order the files by time; within one file " + _CLEAN + "sorts", "ns",
    ),
    Code.LATENCY: Meaning(
        _ERROR, "rows that arrived when or before they happened (feed latency <= 0)",
        "the strategy knows the future; a run refuses the file",
        _CLEAN + "shifts all receipt times by one constant", "ns",
    ),
    Code.SEQUENCE_GAP: Meaning(
        _ERROR, "holes in the venue's sequence ids: updates of the book are missing",
        "levels are wrong from there to the next snapshot, and with them queues and fills",
        "fetch the missing part, or use the ranges between the gaps", "ids",
    ),
    Code.TIME_GAP: Meaning(
        _WARN, "times without any row, far longer than usual here",
        "the book stands still while the market moves: quotes rest at old prices and are not filled",
        "look for an outage of the recorder or the venue; use the ranges between the gaps", "ns",
    ),
    Code.QUIET_DEPTH: Meaning(
        _WARN, "times in which trades arrive and the book does not change",
        "the depth stream was down: quotes are made against an old book",
        "fetch the depth again, or use the ranges outside", "ns",
    ),
    Code.QUIET_TRADES: Meaning(
        _INFO, "times in which the book changes and nothing trades",
        "orders are filled by trades only: none is filled then; the trade stream may have been down",
        "compare with the venue's own count of trades", "ns",
    ),
    Code.CROSSED: Meaning(
        _WARN, "moments with the best bid above the best ask",
        "a level was not removed: the engine hides one side of it, and fills at a price that was not there",
        _CLEAN + "removes the older levels", "ticks",
    ),
    Code.LOCKED: Meaning(
        _WARN, "moments with the best bid at the best ask",
        "a level was not removed: a post-only order at the touch is refused or filled wrongly",
        _CLEAN + "removes the older levels", "ticks",
    ),
    Code.ONE_SIDED: Meaning(
        _WARN, "moments in which the book has lost its bids or its asks",
        "no mid and no market orders; a range of prices in the config may be too narrow, or levels are missing",
        "begin with a snapshot; look at the sequence gaps",
    ),
    Code.STALE_LEVEL: Meaning(
        _WARN, "levels that the other side passed and that nobody removed within the time told",
        "a message is missing: such a level would stand in the book for ever (the certificate takes it out)",
        _CLEAN + "removes them where they were passed", "ns",
    ),
    Code.TRADE_OUTSIDE: Meaning(
        _WARN, "trades further outside the best bid and ask than the distance told",
        "an order that rests between is filled by a trade that the book does not explain",
        "look at gaps first; " + _CLEAN + "drops the trades", "ticks",
    ),
    Code.TRADE_AFTER_DEPTH: Meaning(
        _INFO, "trades that stand after a change of the book of the same venue time",
        "the queue ahead of an order shrinks by the change, and by the trade once more: fills come early",
        "sort trades first where the source allows", "ns",
    ),
    Code.DUPLICATE: Meaning(
        _WARN, "changes of the book equal to another of the same two times",
        "none by themselves; recordings that overlap were joined, and trades may be there twice too",
        _CLEAN + "drops the repetitions",
    ),
    Code.DUPLICATE_TRADE: Meaning(
        _INFO, "trades equal to another of the same two times",
        "a trade that is there twice fills twice; venues report a trade per resting order, so equal ones can be real",
        "if recordings were joined (DUPLICATE), " + _CLEAN + "drops the repetitions",
    ),
    Code.PRICE_JUMP: Meaning(
        _WARN, "steps of the mid or of the traded price larger than the share told",
        "a wrong price makes a profit or a loss that never was; a real one is worth knowing",
        "look at the place: a price that comes back at once is a fault", "ppm",
    ),
    Code.CLOCK_DRIFT: Meaning(
        _WARN, "the smallest feed latency grows or falls steadily: one of the clocks is fast",
        "feed latency and everything made from it is off by the drift",
        _CLEAN + "takes a straight line out; keep the recorder's clock in step (PTP, NTP)",
        "ns/s",
    ),
    Code.CLOCK_SHIFTED: Meaning(
        _INFO, "receipt times were shifted by a constant: the recorder's clock was behind the venue's",
        "differences of feed latency are right, its level is not: the fastest row counts as almost no latency",
        "give the order latency by measurement or profile, not as a share of this feed latency", "ns",
    ),
    Code.GRID_TOO_FINE: Meaning(
        _INFO, "all prices are multiples of more than one tick",
        "orders can be quoted at prices that the venue did not have",
        "check the tick size of that date", "ticks",
    ),
    Code.NO_SNAPSHOT: Meaning(
        _INFO, "the book starts from changes, not from a snapshot",
        "levels that did not change yet are missing at first",
        "name the file before, or `engine.initial_snapshot`",
    ),
    Code.NO_TRADES: Meaning(
        _WARN, "no trade at all",
        "resting orders are never filled",
        "convert trades and depth of the stream together",
    ),
    Code.NO_BOOK: Meaning(
        _WARN, "no moment with both bids and asks, from the first file to the end of this one",
        "there is no touch to quote at and no price to mark a position at; market orders are denied",
        "convert depth and trades of the stream together, or name `engine.initial_snapshot`",
    ),
    Code.FAR_LEVEL: Meaning(
        _INFO, "levels too far from the market for the certificate's book",
        "none; they are not part of its touch",
        "nothing", "ticks",
    ),
})  # fmt: skip
"""Every code; the order is that of a report."""


def meaning(code: Code) -> Meaning:
    """Return what a code says, its cure with the code's name in it."""
    found = MEANINGS[code]
    return found._replace(cure=found.cure.replace("{code}", code.name))
