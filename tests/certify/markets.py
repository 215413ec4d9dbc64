"""Healthy markets to break, and short ways to certify them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
from market_data.builders import BOTH, T0_NS, rows_of

from trading_platform.data.certify.certify import Certificate, Overrides, certify
from trading_platform.data.certify.model import FileCertificate
from trading_platform.data.events import BUY_FLAG, DEPTH, DEPTH_SNAPSHOT, SELL_FLAG, TRADE, EventArray
from trading_platform.data.manifest import Manifest, Output, RowCounts, SourceFile, Stream

TICK: Final = Decimal("0.1")
LOT: Final = Decimal("0.001")
MS: Final = 1_000_000
LATENCY_NS: Final = 5 * MS
MID_TICKS: Final = 600_000
LEVELS: Final = 10
SNAPSHOT_ROWS: Final = 2 * LEVELS
Row = tuple[int, int, int, float, float]


def row(ev: int, at_ms: float, ticks: int, lots: int, latency_ns: int = LATENCY_NS) -> Row:
    """Return a row that both sides see: ``at_ms`` after T0 at the venue."""
    exch_ns = T0_NS + round(at_ms * MS)
    return ev | BOTH, exch_ns, exch_ns + latency_ns, float(ticks * TICK), float(lots * LOT)


def healthy(moments: int = 400, seed: int = 7) -> EventArray:
    """Return a snapshot and then, every 10 ms, a trade inside the touch or a change of a level behind it."""
    random = np.random.default_rng(seed)
    rows = [
        row(DEPTH_SNAPSHOT | side, 0, MID_TICKS + sign * (1 + level), 50 + level)
        for side, sign in ((BUY_FLAG, -1), (SELL_FLAG, 1))
        for level in range(LEVELS)
    ]
    for moment in range(1, moments + 1):
        side, sign = ((BUY_FLAG, 1), (SELL_FLAG, -1))[moment % 2]
        if moment % 5 == 0:
            rows.append(row(TRADE | side, 10 * moment, MID_TICKS + sign, int(random.integers(1, 9))))
        else:
            ticks = MID_TICKS - sign * int(random.integers(2, LEVELS))
            rows.append(row(DEPTH | side, 10 * moment, ticks, int(random.integers(1, 99))))
    return rows_of(*rows)


def insert(rows: EventArray, at: int, *added: Row) -> EventArray:
    """Return rows with others put before row ``at``."""
    made: EventArray = np.concatenate([rows[:at], rows_of(*added), rows[at:]])
    return made


def manifest_with(
    gap_count: int = 0,
    shift_ns: int = 0,
    gaps: Sequence[dict[str, Any]] = (),
    fixes: Sequence[dict[str, Any]] = (),
) -> Manifest:
    """Return a manifest that tells gaps and a correction of the clock."""
    return Manifest(
        venue="binance-usdm",
        instrument="BTCUSDT",
        day=date(2024, 8, 8),
        tick_size=TICK,
        lot_size=LOT,
        grid="given",
        stream=Stream("binance-usdm", 2, 1, 1, shift_ns, ("a.gz",)),
        source=SourceFile("a.gz", "0" * 64, 1),
        output=Output("a.npy", "0" * 64, 1, 1, 1, 1, 1, 1, 1),
        report={"gap_count": gap_count, "gaps": list(gaps)},
        fixes=tuple(fixes),
    )


def certified(
    *arrays: EventArray, manifest: Manifest | None = None, overrides: Overrides | None = None
) -> Certificate:
    """Certify arrays as files a, b, ..."""
    names = [chr(ord("a") + index) for index in range(len(arrays))]
    return certify(
        arrays,
        names,
        tick_size=TICK,
        lot_size=LOT,
        digests=["0" * 64] * len(arrays),
        manifests=None if manifest is None else [_of_rows(manifest, rows) for rows in arrays],
        overrides=overrides,
    )


def found(certificate: FileCertificate) -> dict[str, int]:
    """Return codes and counts."""
    return {finding.code: finding.count for finding in certificate.findings}


def _of_rows(manifest: Manifest, rows: EventArray) -> Manifest:
    """Return the manifest that a conversion writes beside these rows of its input."""
    counts = RowCounts()
    counts.add(rows)
    return replace(manifest, output=Output("a.npy", "0" * 64, **counts.told()))
