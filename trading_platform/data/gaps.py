"""Which holes in the venue's sequence ids are in an event file.

The report in a manifest is about the whole input, which may have been cut at midnight: each day has its own gaps.
"""

from collections.abc import Mapping
from typing import Any


def own_gaps(
    manifest: Mapping[str, Any], first_local_ns: int, last_local_ns: int
) -> tuple[int, list[Mapping[str, Any]]]:
    """Return the number of gaps of a file, and those of them that are listed with a time.

    If the report does not list all gaps of the input, or a repair has moved the times, each file counts all of them:
    a gap must not be lost.

    Parameters
    ----------
    manifest : as parsed JSON
    first_local_ns, last_local_ns : [ns] receipt of the first and last row of the file
    """
    report = manifest.get("report", {})  # absent from what a repair made of rows without a manifest
    count, listed = int(report.get("gap_count", 0)), report.get("gaps", [])
    own = [gap for gap in listed if first_local_ns <= gap.get("local_ns", 0) <= last_local_ns]
    is_exact = len(listed) == count and all("local_ns" in gap for gap in listed) and not manifest.get("fixes")
    return (len(own) if is_exact else count), own
