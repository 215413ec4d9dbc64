"""Market data of a run: loaded, validated, with the range of prices the book has to cover."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...config.data_range import DataRange
from ...config.data_root import DATA_ROOT
from ...config.run import RunConfig
from ...config.venue import ROI_TICKS_MAX
from ...data.certify.verdict import verdict_of
from ...data.cleared import returning_offer
from ...data.events import DEPTH_CLEAR, KIND_MASK, LOCAL_FLAG, rows_of_kind
from ...data.files import file_sha256, load_events
from ...data.latency import check_latencies, latency_at, load_latencies
from ...data.validate import DataFacts, validate_events
from ...model.errors import ConfigError, DataError
from ...model.records import Records

if TYPE_CHECKING:
    from ...data.catalog import RangeData

ROI_MARGIN_DIVISOR = 20  # kind auto: the traded range and 5 % of the price beyond it


@dataclass(frozen=True)
class MarketData:
    """Validated arrays and what was found in them.

    ``names`` tell where each array is from, for messages. ``roi_ticks`` is the inclusive range of the ROI depth, None
    for the hash map; ``range_ticks`` what the book may show at all, ``resyncs_ns`` the local times at which the data
    clears the book after its first row. ``cut`` is set if the config names the data by range.
    """

    names: tuple[str, ...]
    arrays: tuple[Records, ...]
    snapshot: Records | None
    snapshot_file: Path | None
    facts: DataFacts
    roi_ticks: tuple[int, int] | None
    range_ticks: tuple[int, int]
    resyncs_ns: tuple[int, ...]
    latency_file: Path | None
    latencies: Records | None
    cut: "RangeData | None"

    def last_latency_ns(self) -> tuple[int, int]:
        """Return entry and response latency of the latency file at the end of the data [ns]."""
        assert self.latencies is not None
        return latency_at(self.latencies, int(self.arrays[-1]["exch_ts"][-1]))

    def latency_record(self) -> dict[str, Any]:
        """Return what the run record says about the file of order latencies: nothing without one."""
        if self.latency_file is None or self.latencies is None:
            return {}
        sha256 = file_sha256(self.latency_file)
        return {"latency": {"path": str(self.latency_file), "sha256": sha256, "rows": len(self.latencies)}}

    def record(self) -> list[dict[str, Any]]:
        """Return path, SHA-256, rows and the verdict of the certificate of each file, for the run record.

        Of a range also what is used of them.
        """
        if self.cut is not None:
            return [
                one | {"certificate": verdict_of(Path(one["path"]), one["sha256"])}
                for one in self.cut.record()
            ]
        files = [(Path(name), array) for name, array in zip(self.names, self.arrays, strict=True)]
        if self.snapshot is not None and self.snapshot_file is not None:
            files.append((self.snapshot_file, self.snapshot))
        return [_record(path, array) for path, array in files]


def _record(path: Path, rows: Records) -> dict[str, Any]:
    sha256 = file_sha256(path)
    certificate = verdict_of(path, sha256)
    return {"path": str(path), "sha256": sha256, "rows": len(rows), "certificate": certificate}


@dataclass(frozen=True)
class _Found:
    """The data that a config names, not yet checked."""

    parts: tuple[tuple[str, Records], ...]
    snapshot: tuple[str, Records] | None
    cut: "RangeData | None"


def load_market_data(config: RunConfig) -> MarketData:
    """Load and check all data of a run.

    Raises
    ------
    DataError : see data.files.load_events, data.catalog.read_range, data.validate.validate_events and
        data.latency.load_latencies; a range of prices that the ROI, or of time that the latencies do not cover
    ConfigError : engine.ack_timeout_seconds is shorter than a round trip of the latency file
    """
    found, instrument = _find(config), config.instrument
    names, arrays = tuple(name for name, _ in found.parts), tuple(array for _, array in found.parts)
    facts = validate_events(arrays, names, instrument.tick_size, instrument.lot_size)
    price_max_ticks = facts.price_max_ticks
    if found.snapshot is not None:
        name, rows = found.snapshot
        book = validate_events([rows], [name], instrument.tick_size, instrument.lot_size)
        price_max_ticks = max(price_max_ticks, book.price_max_ticks)
    roi = _roi_ticks(config, facts, found)
    return MarketData(
        names=names,
        arrays=arrays,
        snapshot=None if found.snapshot is None else found.snapshot[1],
        snapshot_file=config.engine.initial_snapshot,
        facts=facts,
        roi_ticks=roi,
        range_ticks=roi or (1, max(1, price_max_ticks)),
        resyncs_ns=_resyncs_ns(arrays, facts.first_local_ns),
        latency_file=config.engine.latency.file,
        latencies=_latencies(config, facts),
        cut=found.cut,
    )


def _latencies(config: RunConfig, facts: DataFacts) -> Records | None:
    """Return the order latencies of a file, None for constant ones."""
    engine, path = config.engine, config.engine.latency.file
    if path is None:
        return None
    rows = load_latencies(path)
    found = check_latencies(rows, str(path))
    if found.first_ns > facts.last_local_ns or found.last_ns < facts.first_local_ns:
        raise DataError(
            f"{path}: must be for the time of the data, {facts.first_local_ns} to {facts.last_local_ns} ns, was for "
            f"{found.first_ns} to {found.last_ns} ns: make it again with `trading-platform data latency`"
        )
    if 0 < engine.ack_timeout_ns <= found.round_trip_max_ns:
        raise ConfigError(
            f"engine.ack_timeout_seconds must be > the longest round trip of {path} ({found.round_trip_max_ns} ns), "
            f"was {engine.ack_timeout_seconds}: raise it, or use 0 (off)"
        )
    return rows


def _find(config: RunConfig) -> _Found:
    engine = config.engine
    if engine.data is None:
        files = engine.data_files or ()
        snapshot = engine.initial_snapshot
        with ThreadPoolExecutor() as pool:  # compressed files are unpacked side by side
            rows = list(pool.map(load_events, files))  # here: an error or Ctrl-C gives up those that wait
        return _Found(
            parts=tuple((str(path), one) for path, one in zip(files, rows, strict=True)),
            snapshot=None if snapshot is None else (str(snapshot), load_events(snapshot)),
            cut=None,
        )
    cut = range_of(engine.data, (config.instrument.tick_size, config.instrument.lot_size))
    book = None if cut.book is None else ("the book at the start of the range", cut.book.snapshot)
    return _Found(parts=tuple(cut.arrays()), snapshot=book, cut=cut)


def range_of(data: DataRange, grid: tuple[Decimal, Decimal]) -> "RangeData":
    """Return the rows that a config names by range; a config that was not loaded from a file needs its root."""
    from ...data.catalog import read_range  # most runs name files

    root = Path(data.root if data.root is not None else DATA_ROOT)
    return read_range(root, data.venue, data.instrument, data.start_ns, data.end_ns, grid=grid)


def _resyncs_ns(arrays: Sequence[Records], first_ns: int) -> tuple[int, ...]:
    """Return when the local book is cleared to be loaded anew, in the order of time."""
    found: set[int] = set()
    for array in arrays:
        clears = array.take(rows_of_kind(array, DEPTH_CLEAR))
        seen = clears["local_ts"][(clears["ev"] & np.uint64(LOCAL_FLAG)) != 0]
        found.update(int(at_ns) for at_ns in seen if at_ns > first_ns)
    return tuple(sorted(found))


def _roi_ticks(config: RunConfig, facts: DataFacts, found: _Found) -> tuple[int, int] | None:
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
        back = _returning_offer(found, instrument.tick_size, (low, high))
        if back is not None:
            raise DataError(
                f"engine.depth must be auto or hashmap for {back[0]}: at row {back[1]} an "
                "offer that a DEPTH_CLEAR removed would come back in a ROI book of hftbacktest"
            )
        return low, high
    if not facts.trade_count:
        return None
    margin = facts.traded_max_ticks // ROI_MARGIN_DIVISOR + 1
    low, high = max(1, facts.traded_min_ticks - margin), facts.traded_max_ticks + margin
    if high - low >= ROI_TICKS_MAX or _returning_offer(found, instrument.tick_size, (low, high)) is not None:
        return None
    return low, high


def _returning_offer(
    found: _Found, tick_size: Decimal, range_ticks: tuple[int, int]
) -> tuple[str, int] | None:
    """Return name and row at which a cleared offer, of the rows or of the book at the start, would come back."""
    parts = list(found.parts)
    if found.snapshot is not None:
        name, rows = found.snapshot
        parts.insert(0, (name, rows[(rows["ev"] & KIND_MASK) != DEPTH_CLEAR]))
    back = returning_offer([rows for _, rows in parts], tick_size, range_ticks)
    return None if back is None else (parts[back[0]][0], back[1])
