"""Which findings can be repaired, in which order, and why the others cannot."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..certify.codes import Code

DROPS: Final = frozenset(
    {
        Code.UNKNOWN_KIND,
        Code.BAD_FLAGS,
        Code.BAD_TIME,
        Code.BAD_NUMBER,
        Code.OFF_TICK,
        Code.OFF_LOT,
        Code.DUPLICATE,
        Code.DUPLICATE_TRADE,
        Code.TRADE_OUTSIDE,
    }
)
ORDER: Final = frozenset({Code.EXCH_ORDER, Code.LOCAL_ORDER})
LEVELS: Final = frozenset({Code.CROSSED, Code.LOCKED, Code.STALE_LEVEL})
FIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Code.UNKNOWN_KIND.name: "the rows are dropped: the engine skips them anyway",
        Code.BAD_FLAGS.name: "the rows are dropped: nobody could say who saw them",
        Code.BAD_TIME.name: "the rows are dropped: they cannot be put in order",
        Code.BAD_NUMBER.name: "the rows are dropped",
        Code.OFF_TICK.name: "the rows are dropped: rounding them would move levels",
        Code.OFF_LOT.name: "the rows are dropped: the level keeps its quantity until the next change",
        Code.EXCH_ORDER.name: "rows are sorted by each clock, and split where the clocks disagree",
        Code.LOCAL_ORDER.name: "rows are sorted by each clock, and split where the clocks disagree",
        Code.DUPLICATE.name: "the repetitions are dropped, the first row stays",
        Code.DUPLICATE_TRADE.name: "the repetitions are dropped, the first trade stays",
        Code.CLOCK_DRIFT.name: "a straight line over time is taken out of the receipt times",
        Code.LATENCY.name: "all receipt times are shifted by one constant",
        Code.TRADE_OUTSIDE.name: "the trades are dropped",
        Code.CROSSED.name: "the older levels are removed when the newer side passes them",
        Code.LOCKED.name: "the older levels are removed when the newer side passes them",
        Code.STALE_LEVEL.name: "the older levels are removed when the newer side passes them",
    }
)
"""Every code that can be repaired, and how."""
NOT_FIXED: Final[Mapping[str, str]] = MappingProxyType(
    {
        Code.SEQUENCE_GAP.name: "what is missing cannot be made up: fetch it, or use the ranges between the gaps",
        Code.TIME_GAP.name: "what is missing cannot be made up: use the ranges between the gaps",
        Code.QUIET_DEPTH.name: "what is missing cannot be made up: use the ranges outside",
        Code.QUIET_TRADES.name: "what is missing cannot be made up, and it may be right",
        Code.ONE_SIDED.name: "nobody knows the missing levels: begin with a snapshot",
        Code.TRADE_AFTER_DEPTH.name: "the venue's clock does not tell which came first",
        Code.PRICE_JUMP.name: "a jump may be real: look at its place, and at TRADE_OUTSIDE",
        Code.CLOCK_SHIFTED.name: "it tells what was repaired already",
        Code.GRID_TOO_FINE.name: "nothing is wrong with the rows: give the right tick size",
        Code.NO_SNAPSHOT.name: "nobody knows the missing levels: give engine.initial_snapshot",
        Code.NO_TRADES.name: "what is missing cannot be made up: convert the trades too",
        Code.NO_BOOK.name: "what is missing cannot be made up: convert the depth too",
        Code.FAR_LEVEL.name: "nothing is wrong with the rows",
    }
)
"""Every other code, and why it cannot be repaired soundly."""
