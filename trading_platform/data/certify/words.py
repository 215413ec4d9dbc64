"""A certificate in words: what the file holds, and where a finding stands."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from .model import FileCertificate, Finding, Place

NS_PER_S: Final = 1_000_000_000
_UNITS: Final = ((NS_PER_S, "s"), (1_000_000, "ms"), (1_000, "us"))


def summary_lines(one: FileCertificate) -> Iterator[str]:
    """Yield what a file holds: rows, time, feed latency, the book."""
    facts = one.facts
    seconds = (facts.last_local_ns - facts.first_local_ns) / NS_PER_S
    yield (
        f"{one.file.rows:,} rows, {facts.trades:,} trades, {seconds:,.1f} s from {iso(facts.first_local_ns)}; "
        f"tick {one.tick_size}, lot {one.lot_size}"
    )
    if facts.latency_ns is not None:
        told = facts.latency_ns.model_dump()
        shown = ", ".join(f"{name.replace('_', '.')} {span(value)}" for name, value in told.items())
        yield f"feed latency: {shown}"
    if facts.clock_drift_ns_per_s is not None:
        yield f"clock drift: {facts.clock_drift_ns_per_s:+,.0f} ns/s"
    book = facts.book
    if book.time_ns:
        shares = ", ".join(
            f"{100 * part / book.time_ns:.3g} % {name}"
            for name, part in (
                ("crossed", book.crossed_ns),
                ("locked", book.locked_ns),
                ("one-sided", book.one_sided_ns),
            )
        )
        yield f"book: {book.changes:,} changes; of the time {shares}"
    limits = one.thresholds
    yield (
        f"told as a finding: silence over {span(limits.gap_ns)}, no depth over {span(limits.quiet_depth_ns)}, no "
        f"trade over {span(limits.quiet_trades_ns)}, trades over {limits.outside_ppm / 10_000:g} % outside the touch"
    )


def place_text(finding: Finding, place: Place) -> str:
    """Return row, time and value of a place."""
    text = f"row {place.row:,} {iso(place.time_ns)}"
    if finding.unit == "ns" and place.value:
        return f"{text} ({span(place.value)})"
    return f"{text} ({place.value:,} {finding.unit})" if finding.unit and place.value else text


def span(ns: int) -> str:
    """Return a duration in the unit that reads best, to four digits."""
    for size, unit in _UNITS:
        if abs(ns) >= size:
            return f"{ns / size:.4g} {unit}"
    return f"{ns} ns"


def iso(ns: int) -> str:
    """Return a time [ns since 1970] in ISO 8601, UTC, to the microsecond; one that no calendar has as a number."""
    try:
        at = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{ns} ns"
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // 1000:06d}Z"
