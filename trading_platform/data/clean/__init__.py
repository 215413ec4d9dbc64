"""Explicit repairs of event files."""

from .clean import CleanedFile, clean
from .fixes import FIXES, NOT_FIXED

__all__ = ["FIXES", "NOT_FIXED", "CleanedFile", "clean"]
