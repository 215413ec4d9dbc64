"""Checks that hftbacktest does not make: it replays bad rows into wrong fills, or aborts the process."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._jit import Array, entry, kernel
from ..model.errors import DataError
from ..model.records import TICKS_MAX, int64_record
from .events import (
    BUY_FLAG,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EVENT,
    EXCH_FLAG,
    KIND_MASK,
    KINDS,
    LOCAL_FLAG,
    SELL_FLAG,
    SIDE_FLAGS,
    TRADE,
    EventArray,
)

GRID_TOLERANCE: Final = 1e-6  # of a step
LOTS_MAX: Final = 1 << 50  # int64 sums of book quantities stay exact below
FLOAT_NOISE: Final = 1e-15  # of the value: what the division of float64 may add
NS_MAX: Final = 1 << 62  # the engine adds latencies to timestamps without looking
NOT_FINITE: Final = -1
NEGATIVE: Final = -2
TOO_LARGE: Final = -3
OFF_GRID: Final = -4


class Rule(IntEnum):
    """What a row can break, in the order of the checks: the first is told."""

    NONE = 0
    KIND = 1
    FLAGS = 2
    SIDE = 3
    EXCH_RANGE = 4
    LOCAL_RANGE = 5
    EXCH_FALLS = 6
    LOCAL_FALLS = 7
    LATENCY = 8
    PRICE = 9
    QTY = 10


# enums are for people: compiled code takes plain numbers
_NONE, _KIND, _FLAGS, _SIDE, _EXCH_RANGE, _LOCAL_RANGE, _EXCH_FALLS, _LOCAL_FALLS, _LATENCY, _PRICE, _QTY = (
    int(rule) for rule in Rule
)
_KINDS: Final = tuple(KINDS.values())
_FIELDS: Final[Any] = EVENT.fields
ROW: Final[np.dtype[Any]] = np.dtype(  # the engine's row as the kernel reads it: flags as a signed number
    {
        "names": ["ev", "exch_ns", "local_ns", "price", "qty"],
        "formats": ["i8", "i8", "i8", "f8", "f8"],
        "offsets": [int(_FIELDS[name][1]) for name in ("ev", "exch_ts", "local_ts", "px", "qty")],
        "itemsize": EVENT.itemsize,
    }
)
_TALLY: Final = int64_record(
    "rows",
    "local_rows",
    "exch_rows",
    "first_local_ns",
    "last_local_ns",
    "last_exch_ns",
    "trade_count",
    "traded_min_ticks",
    "traded_max_ticks",
    "price_max_ticks",
    "snapshot_rows",
    "first_snapshot_row",
    "broken_rule",
)


@dataclass(frozen=True)
class DataFacts:
    """What a validated data set holds. Prices in ticks, times in ns; 0 where there is no trade."""

    rows: int
    local_rows: int
    exch_rows: int
    first_local_ns: int
    last_local_ns: int
    trade_count: int  # trades that we see (LOCAL rows)
    traded_min_ticks: int
    traded_max_ticks: int
    price_max_ticks: int  # over all rows: the bound against overflow
    snapshot_rows: int  # LOCAL rows of depth snapshots
    first_snapshot_row: int  # counted over all files, -1 none

    @property
    def has_snapshot(self) -> bool:
        """Whether the book starts from a snapshot somewhere, not only from changes."""
        return self.snapshot_rows > 0


def validate_events(
    files: Sequence[EventArray], names: Sequence[str], tick_size: Decimal, lot_size: Decimal
) -> DataFacts:
    """Check consecutive event arrays of one instrument row by row; return what they hold. Copies nothing.

    Parameters
    ----------
    files : sequence of event arrays
        in order of time, each of shape (rows,) and hftbacktest's event dtype; not changed
    names : sequence of str
        one name per array, for messages
    tick_size : Decimal
        [quote], the grid of prices at that date
    lot_size : Decimal
        [base, or contracts], the grid of quantities at that date

    Raises
    ------
    DataError : names file, row, value and what would be right: the first row that breaks a rule
    """
    if not files or len(files) != len(names):
        raise DataError(
            f"files must be one or more, each with a name, were {len(files)} with {len(names)} names"
        )
    for label, step in (("tick_size", tick_size), ("lot_size", lot_size)):
        if not step.is_finite() or step <= 0:
            raise DataError(f"{label} must be > 0, was {step}")
    tally = np.zeros(1, _TALLY)
    tally["traded_min_ticks"], tally["first_snapshot_row"] = TICKS_MAX, -1
    grids = np.array([_ratio(tick_size), _ratio(lot_size)], np.float64)
    for rows, name in zip(files, names, strict=True):
        if rows.dtype != EVENT or rows.ndim != 1 or not rows.flags.c_contiguous or not len(rows):
            raise DataError(
                f"{name}: must be a non-empty C-contiguous one-dimensional array of event_dtype, "
                f"was {rows.dtype} of shape {rows.shape}"
            )
        at = scan(rows.view(ROW), grids, tally)
        if at >= 0:
            raise DataError(f"{name}: row {at}: {_explain(rows[at], tally[0], tick_size, lot_size)}")
    return _facts(tally[0], names[0])


def _ratio(step: Decimal) -> tuple[float, float]:
    size = Fraction(step)
    return float(size.denominator), float(size.numerator)


@kernel
def _broken_stamp(ev: int, exch_ns: int, local_ns: int, tally: np.void) -> int:
    kind, side = ev & KIND_MASK, ev & SIDE_FLAGS
    exch, local = (ev & EXCH_FLAG) != 0, (ev & LOCAL_FLAG) != 0
    if kind not in _KINDS:
        return _KIND
    if not (exch or local):
        return _FLAGS
    if side == SIDE_FLAGS or (side == 0 and kind != DEPTH_CLEAR):
        return _SIDE
    if not 1 <= exch_ns <= NS_MAX:
        return _EXCH_RANGE
    if not 1 <= local_ns <= NS_MAX:
        return _LOCAL_RANGE
    if exch and exch_ns < tally["last_exch_ns"]:
        return _EXCH_FALLS
    if local and local_ns < tally["last_local_ns"]:
        return _LOCAL_FALLS
    if local and local_ns <= exch_ns:
        return _LATENCY
    return _NONE


@kernel
def _steps(value: float, denominator: float, numerator: float, steps_max: int) -> int:
    """Return a value as whole steps, or a negative code."""
    if not np.isfinite(value):
        return NOT_FINITE
    if value < 0:
        return NEGATIVE
    steps = value * denominator / numerator
    if not steps <= steps_max:
        return TOO_LARGE
    whole = np.rint(steps)
    if abs(steps - whole) > GRID_TOLERANCE + FLOAT_NOISE * steps:
        return OFF_GRID
    return int(whole)


@kernel
def _note(ev: int, exch_ns: int, local_ns: int, ticks: int, tally: np.void) -> None:
    tally["rows"] += 1
    tally["price_max_ticks"] = max(tally["price_max_ticks"], ticks)
    if (ev & EXCH_FLAG) != 0:
        tally["exch_rows"] += 1
        tally["last_exch_ns"] = exch_ns
    if (ev & LOCAL_FLAG) == 0:
        return
    if tally["local_rows"] == 0:
        tally["first_local_ns"] = local_ns
    tally["local_rows"] += 1
    tally["last_local_ns"] = local_ns
    kind = ev & KIND_MASK
    if kind == TRADE:
        tally["trade_count"] += 1
        tally["traded_min_ticks"] = min(tally["traded_min_ticks"], ticks)
        tally["traded_max_ticks"] = max(tally["traded_max_ticks"], ticks)
    elif kind == DEPTH_SNAPSHOT:
        tally["snapshot_rows"] += 1
        if tally["first_snapshot_row"] < 0:
            tally["first_snapshot_row"] = tally["rows"] - 1


@entry(Array(ROW), Array(np.dtype(np.float64), 2), Array(_TALLY))
def scan(rows: EventArray, grids: npt.NDArray[np.float64], tallies: npt.NDArray[np.void]) -> int:
    """Add rows to a tally until one breaks a rule; return its index, or -1.

    Parameters
    ----------
    rows : ROW records
        of one file
    grids : array
        shape (2, 2): a price, a quantity times the first number by the second is in steps
    tallies : _TALLY records
        the first is changed in place
    """
    tally = tallies[0]
    for at in range(len(rows)):
        row = rows[at]
        ev, exch_ns, local_ns = row["ev"], row["exch_ns"], row["local_ns"]
        broken = _broken_stamp(ev, exch_ns, local_ns, tally)
        ticks = _steps(row["price"], grids[0, 0], grids[0, 1], TICKS_MAX)
        has_price = (ev & KIND_MASK) != DEPTH_CLEAR or (ev & SIDE_FLAGS) != 0
        if broken == _NONE and (ticks < 0 or (ticks == 0 and has_price)):
            broken = _PRICE
        if broken == _NONE and _steps(row["qty"], grids[1, 0], grids[1, 1], LOTS_MAX) < 0:
            broken = _QTY
        if broken != _NONE:
            tally["broken_rule"] = broken
            return at
        _note(ev, exch_ns, local_ns, ticks, tally)
    return -1


def _explain(row: np.void, tally: np.void, tick_size: Decimal, lot_size: Decimal) -> str:
    """Say what the row that stopped the scan breaks, which value it has and what to do."""
    ev, exch_ns, local_ns = int(row["ev"]), int(row["exch_ts"]), int(row["local_ts"])
    kinds = ", ".join(f"{kind} {number}" for kind, number in KINDS.items())
    reorder = "order the files by time, or convert the recording again"
    return {
        Rule.KIND: f"kind (low byte of ev) must be one a price-level book acts on ({kinds}), "
        f"was {ev & KIND_MASK}: leave such rows out",
        Rule.FLAGS: f"ev must have the flag EXCH {EXCH_FLAG:#x} or LOCAL {LOCAL_FLAG:#x}, was {ev:#x}: "
        "convert the recording again",
        Rule.SIDE: f"ev must have one of the flags BUY {BUY_FLAG:#x} and SELL {SELL_FLAG:#x} "
        f"(none: a DEPTH_CLEAR of both sides), was {ev:#x}: convert the recording again",
        Rule.EXCH_RANGE: f"exch_ts must be 1 to 2^62 ns, was {exch_ns}: are its units nanoseconds?",
        Rule.LOCAL_RANGE: f"local_ts must be 1 to 2^62 ns, was {local_ns}: are its units nanoseconds?",
        Rule.EXCH_FALLS: f"exch_ts must not fall, was {exch_ns} after {tally['last_exch_ns']}: {reorder}",
        Rule.LOCAL_FALLS: f"local_ts must not fall, was {local_ns} after {tally['last_local_ns']}: {reorder}",
        Rule.LATENCY: f"feed latency (local_ts - exch_ts) must be > 0 ns, was {local_ns - exch_ns}: "
        "convert the recording again, which corrects the receipt clock",
        Rule.PRICE: _explain_number("price", float(row["px"]), tick_size, TICKS_MAX, least=1),
        Rule.QTY: _explain_number("quantity", float(row["qty"]), lot_size, LOTS_MAX, least=0),
    }[Rule(int(tally["broken_rule"]))]


def _explain_number(label: str, value: float, step: Decimal, steps_max: int, *, least: int) -> str:
    code = int(_steps(value, *_ratio(step), steps_max))
    rule = {
        NOT_FINITE: "finite",
        NEGATIVE: f">= {least * step}",
        TOO_LARGE: f"at most {steps_max} steps of {step}",
        OFF_GRID: f"a multiple of {step}",
    }.get(code, f">= {least * step}")
    hint = "is it the grid of that date?" if code == OFF_GRID else "convert the recording again"
    return f"{label} must be {rule}, was {value!r}: {hint}"


def _facts(tally: np.void, name: str) -> DataFacts:
    if not tally["local_rows"] or not tally["exch_rows"]:
        raise DataError(
            f"{name}: must hold EXCH and LOCAL rows, held {tally['exch_rows']} and {tally['local_rows']}: "
            "convert the recording again"
        )
    if not tally["trade_count"]:
        tally["traded_min_ticks"] = 0
    return DataFacts(**{name: int(tally[name]) for name in DataFacts.__dataclass_fields__})
