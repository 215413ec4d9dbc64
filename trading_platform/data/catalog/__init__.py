"""The catalogue: event files by venue, instrument and day, each with a manifest. The manifests are the index."""

from .check import Finding, check_file
from .files import CatalogFile, find_files, require_files
from .ranges import DayRows, RangeData, read_book, read_range

__all__ = [
    "CatalogFile",
    "DayRows",
    "Finding",
    "RangeData",
    "check_file",
    "find_files",
    "read_book",
    "read_range",
    "require_files",
]
