"""What is in an event file, for people."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..events import KIND_MASK, KINDS, LOCAL_FLAG, TRADE, EventArray

CHUNK_ROWS: Final = 1 << 20
_DOTS: Final = " ⡀⡄⡆⡇"  # a column of a braille cell, filled from below


def count_kinds(rows: EventArray) -> dict[str, int]:
    """Return the rows of each kind, piece by piece."""
    counts = np.zeros(KIND_MASK + 1, np.int64)
    for start in range(0, len(rows), CHUNK_ROWS):
        kinds = (rows["ev"][start : start + CHUNK_ROWS] & KIND_MASK).astype(np.int64)
        counts += np.bincount(kinds, minlength=len(counts))
    return {name: int(counts[kind]) for name, kind in KINDS.items() if counts[kind]}


def traded_prices(rows: EventArray, columns: int) -> npt.NDArray[np.float64]:
    """Return the last traded price in each of ``columns`` equal parts of the rows; NaN before the first trade."""
    found = np.full(columns, np.nan)
    last = np.nan
    for column in range(columns):
        part = rows[len(rows) * column // columns : len(rows) * (column + 1) // columns]
        trades = part["px"][((part["ev"] & KIND_MASK) == TRADE) & ((part["ev"] & LOCAL_FLAG) != 0)]
        last = trades[-1] if len(trades) else last
        found[column] = last
    return found


def picture(values: Sequence[float] | npt.NDArray[np.float64], height: int) -> list[str]:
    """Return a line chart of values as text, the highest line first; each line starts with its price.

    NaN leaves a column empty. No value at all gives no lines.
    """
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return []
    low, high = float(known.min()), float(known.max())
    height = height if high > low else 1
    levels = 4 * height - 1
    scaled = (numbers - low) / ((high - low) or 1.0) * levels
    lines = []
    width = max(len(f"{value:,.10g}") for value in (low, high))
    for line in range(height - 1, -1, -1):
        cells = [
            " " if not np.isfinite(value) else _DOTS[int(np.clip(np.floor(value) - 4 * line + 1, 0, 4))]
            for value in scaled
        ]
        label = f"{high:,.10g}" if line == height - 1 else f"{low:,.10g}" if line == 0 else ""
        lines.append(f"{label:>{width}} {''.join(cells)}".rstrip())
    return lines


def first_rows(rows: EventArray, count: int) -> list[dict[str, Any]]:
    """Return the first rows decoded: kind, sides, times [ns], price, quantity."""
    from ..events import BUY_FLAG, EXCH_FLAG, SELL_FLAG

    names = {kind: name for name, kind in KINDS.items()}
    found = []
    for row in rows[:count]:
        event = int(row["ev"])
        side = {BUY_FLAG: "buy", SELL_FLAG: "sell"}.get(event & (BUY_FLAG | SELL_FLAG), "both")
        found.append(
            {
                "kind": names.get(event & KIND_MASK, str(event & KIND_MASK)),
                "side": side,
                "exch": bool(event & EXCH_FLAG),
                "local": bool(event & LOCAL_FLAG),
                "exch_ns": int(row["exch_ts"]),
                "local_ns": int(row["local_ts"]),
                "price": float(row["px"]),
                "qty": float(row["qty"]),
            }
        )
    return found
