"""Market data of a run: loaded, validated, with the range of prices the book has to cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config.run import RunConfig
from ...config.venue import ROI_TICKS_MAX
from ...data.cleared import returning_offer
from ...data.events import DEPTH_CLEAR, LOCAL_FLAG, rows_of_kind
from ...data.files import file_sha256, load_events
from ...data.validate import DataFacts, validate_events
from ...model.errors import DataError
from ...model.records import Records

ROI_MARGIN_DIVISOR = 20  # kind auto: the traded range and 5 % of the price beyond it


@dataclass(frozen=True)
class MarketData:
    """Validated arrays and what was found in them.

    ``roi_ticks`` is the inclusive range of the ROI depth, None for the hash map; ``range_ticks`` what the book may
    show at all, ``resyncs_ns`` the local times at which the data clears the book after its first row.
    """

    files: tuple[Path, ...]
    arrays: tuple[Records, ...]
    snapshot: Records | None
    snapshot_file: Path | None
    facts: DataFacts
    roi_ticks: tuple[int, int] | None
    range_ticks: tuple[int, int]
    resyncs_ns: tuple[int, ...]

    def record(self) -> list[dict[str, Any]]:
        """Return path, SHA-256 and rows of each file, for the run record."""
        files = list(zip(self.files, self.arrays, strict=True))
        if self.snapshot is not None and self.snapshot_file is not None:
            files.append((self.snapshot_file, self.snapshot))
        return [{"path": str(path), "sha256": file_sha256(path), "rows": len(array)} for path, array in files]


def load_market_data(config: RunConfig) -> MarketData:
    """Load and check all data of a run.

    Raises
    ------
    DataError : see data.files.load_events and data.validate.validate_events; a range the config's ROI does not cover
    """
    engine, instrument = config.engine, config.instrument
    arrays = tuple(load_events(path) for path in engine.data_files)
    facts = validate_events(
        arrays, [str(path) for path in engine.data_files], instrument.tick_size, instrument.lot_size
    )
    snapshot, price_max_ticks = None, facts.price_max_ticks
    if engine.initial_snapshot is not None:
        snapshot = load_events(engine.initial_snapshot)
        names = [str(engine.initial_snapshot)]
        found = validate_events([snapshot], names, instrument.tick_size, instrument.lot_size)
        price_max_ticks = max(price_max_ticks, found.price_max_ticks)
    roi = _roi_ticks(config, facts, arrays)
    return MarketData(
        files=tuple(engine.data_files),
        arrays=arrays,
        snapshot=snapshot,
        snapshot_file=engine.initial_snapshot,
        facts=facts,
        roi_ticks=roi,
        range_ticks=roi or (1, max(1, price_max_ticks)),
        resyncs_ns=_resyncs_ns(arrays, facts.first_local_ns),
    )


def _resyncs_ns(arrays: Sequence[Records], first_ns: int) -> tuple[int, ...]:
    """Return when the local book is cleared to be loaded anew, in the order of time."""
    found: set[int] = set()
    for array in arrays:
        clears = array.take(rows_of_kind(array, DEPTH_CLEAR))
        seen = clears["local_ts"][(clears["ev"] & np.uint64(LOCAL_FLAG)) != 0]
        found.update(int(at_ns) for at_ns in seen if at_ns > first_ns)
    return tuple(sorted(found))


def _roi_ticks(config: RunConfig, facts: DataFacts, arrays: Sequence[Records]) -> tuple[int, int] | None:
    """Return the range of the ROI depth: the config's, or for kind auto the traded one with a margin.

    Data from which the engine's ROI book would bring cleared offers back needs the hash map.
    """
    depth, instrument = config.engine.depth, config.instrument
    if depth.kind == "hashmap":
        return None
    if depth.kind == "roi":
        assert depth.roi_min is not None
        assert depth.roi_max is not None
        low, high = instrument.price_to_ticks(depth.roi_min), instrument.price_to_ticks(depth.roi_max)
        if facts.trade_count and not low <= facts.traded_min_ticks <= facts.traded_max_ticks <= high:
            traded = (
                facts.traded_min_ticks * instrument.tick_size,
                facts.traded_max_ticks * instrument.tick_size,
            )
            raise DataError(
                f"engine.depth must cover the traded range {traded[0]} to {traded[1]}, "
                f"was {depth.roi_min} to {depth.roi_max}: widen roi_min and roi_max, or use kind auto or hashmap"
            )
        found = returning_offer(arrays, instrument.tick_size, (low, high))
        if found is not None:
            raise DataError(
                f"engine.depth must be auto or hashmap for {config.engine.data_files[found[0]]}: at row {found[1]} "
                "an offer that a DEPTH_CLEAR removed would come back in a ROI book of hftbacktest"
            )
        return low, high
    if not facts.trade_count:
        return None
    margin = facts.traded_max_ticks // ROI_MARGIN_DIVISOR + 1
    low, high = max(1, facts.traded_min_ticks - margin), facts.traded_max_ticks + margin
    if high - low >= ROI_TICKS_MAX or returning_offer(arrays, instrument.tick_size, (low, high)) is not None:
        return None
    return low, high
