"""Binance's public archive: a file per instrument, kind and day, with a checksum file beside it.

Documents: https://github.com/binance/binance-public-data
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ...model.errors import ConfigError, DataError
from .download import Fetcher, Outcome, Progress

BINANCE_ARCHIVE: Final = "https://data.binance.vision"
KINDS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "spot": ("trades", "aggTrades"),
        "usdm": ("trades", "aggTrades", "bookTicker", "bookDepth"),
        "coinm": ("trades", "aggTrades", "bookTicker", "bookDepth"),
    }
)
"""Market -> kinds of daily files that it has."""
DAYS_MAX: Final = 1000  # of one call: a slip of the year asks for no decades
_FOLDERS: Final = {"spot": "data/spot", "usdm": "data/futures/um", "coinm": "data/futures/cm"}
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9_]{0,31}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHECKSUM: Final = re.compile(r"([0-9a-f]{64})[ \t]+\*?(\S+)\s*")


@dataclass(frozen=True)
class BinanceFile:
    """One file of the archive: where it is there, and where it goes below the output directory."""

    url: str
    name: str
    folder: str

    @property
    def checksum_url(self) -> str:
        """The text file with its SHA-256."""
        return f"{self.url}.CHECKSUM"


def binance_files(
    symbol: str, market: str, kind: str, dates: str, base_url: str = BINANCE_ARCHIVE
) -> list[BinanceFile]:
    """Return the files of an instrument for a day ("2024-08-08") or days, both included ("2024-08-08..2024-08-10").

    Raises
    ------
    ConfigError : no such market or kind, no symbol of Binance's, no dates, too many days, no http address
    """
    if market not in KINDS_OF:
        raise ConfigError(f"market must be one of {', '.join(KINDS_OF)}, was {market!r}")
    if kind not in KINDS_OF[market]:
        raise ConfigError(f"kind must be one of {', '.join(KINDS_OF[market])} for {market}, was {kind!r}")
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigError(f"symbol must be capital letters, digits and _, such as BTCUSDT, was {symbol!r}")
    if "@" in base_url:  # a password would be told in every error; it is not repeated here either
        raise ConfigError(f"base URL must be without user and password, such as {BINANCE_ARCHIVE}")
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", base_url):
        raise ConfigError(f"base URL must be such as {BINANCE_ARCHIVE}, was {base_url!r}")
    folder = f"{base_url.rstrip('/')}/{_FOLDERS[market]}/daily/{kind}/{symbol}"
    names = [f"{symbol}-{kind}-{day}.zip" for day in _days(dates)]
    return [BinanceFile(f"{folder}/{name}", name, f"binance-{market}/{symbol}/{kind}") for name in names]


def _days(text: str) -> list[str]:
    first_text, dots, last_text = text.partition("..")
    try:
        first = _day(first_text)
        last = _day(last_text) if dots else first
    except ValueError:
        raise ConfigError(
            f"date must be YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD, such as 2024-08-08, was {text!r}"
        ) from None
    if not 0 <= (last - first).days < DAYS_MAX:
        raise ConfigError(f"dates must be a first day and a last one, {DAYS_MAX} days at most, were {text!r}")
    return [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]


def _day(text: str) -> date:
    """Return a day; ValueError if it is none, or in another notation of ISO 8601."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def fetch_binance(
    fetcher: Fetcher,
    files: Sequence[BinanceFile],
    out_dir: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Fetch files one after the other into ``out_dir/binance-<market>/<SYMBOL>/<kind>/`` and yield each.

    A file gets its name when its SHA-256 is that of its checksum file. Those that are there are not fetched again.

    Raises
    ------
    TryAgainError, DataError : see `Fetcher`; files that were yielded stay
    """
    for file in files:
        path = _inside(out_dir, file)
        sha256 = _checksum(fetcher.text(file.checksum_url), file)
        yield fetcher.file(file.url, path, sha256, overwrite=overwrite, progress=progress)


def _inside(out_dir: Path, file: BinanceFile) -> Path:
    """Return where a file goes; a DataError if a link leads out of the output directory."""
    path = out_dir / file.folder / file.name
    if not path.parent.resolve().is_relative_to(out_dir.resolve()) or path.is_symlink():
        raise DataError(
            f"{path}: must be inside {out_dir.resolve()}, leads to {path.resolve()}: remove the link"
        )
    return path


def _checksum(text: str, file: BinanceFile) -> str:
    found = _CHECKSUM.fullmatch(text)
    if found is None or found[2] != file.name:
        raise DataError(
            f'{file.checksum_url}: must be "<sha256>  {file.name}", was {text[:100]!r}: is it the archive?'
        )
    return found[1]
