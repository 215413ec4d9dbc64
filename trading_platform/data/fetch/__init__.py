"""Fetching of recorded data from public archives: verified, resumed, bounded."""

from .binance import BINANCE_ARCHIVE, KINDS_OF, BinanceFile, binance_files, fetch_binance
from .download import Clock, Fetcher, FetchPolicy, Outcome, TryAgainError

__all__ = [
    "BINANCE_ARCHIVE",
    "KINDS_OF",
    "BinanceFile",
    "Clock",
    "FetchPolicy",
    "Fetcher",
    "Outcome",
    "TryAgainError",
    "binance_files",
    "fetch_binance",
]
