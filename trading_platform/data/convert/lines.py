"""Recordings of lines ``receipt_ns message``, gzipped or plain, read in blocks of whole lines."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol, cast

from ...model.errors import DataError
from .base import ReadBytes, Sink

BLOCK_BYTES: Final = 1 << 20
_STAMP_DIGITS: Final = 19  # ns since 1970, 2001 to 2286


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def opened(path: Path) -> Iterator[tuple[_Stream, IO[bytes]]]:
    """Yield the text of a file, unpacked if its name ends with .gz, and the raw file below it."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw) as plain:
                yield cast(_Stream, plain), raw
        else:
            yield raw, raw


def blocks(sink: Sink, read_bytes: ReadBytes) -> Iterator[bytes]:
    """Yield blocks of whole lines; the last line may lack its end.

    Raises
    ------
    DataError : unreadable, truncated or damaged; says after which line (``sink.line``) that was
    """
    rest = b""
    try:
        with opened(sink.path) as (plain, raw):
            while block := plain.read(BLOCK_BYTES):
                end = block.rfind(b"\n") + 1
                if end:
                    yield rest + block[:end]
                    rest = block[end:]
                else:
                    rest += block
                read_bytes(raw.tell())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{sink.path}: must be a complete gzip file, was broken after line {sink.line} ({error}): "
            "fetch or record it again"
        ) from error
    except OSError as error:
        raise DataError(f"{sink.path}: must be a readable file ({error.strerror})") from error
    if rest:
        yield rest


class LineParser(Protocol):
    """Turns messages into rows."""

    def parse(self, body: bytes, sink: Sink) -> None:
        """Turn one message into rows; ValueError, KeyError and TypeError mean a broken one."""


def read_lines(sink: Sink, parser: LineParser, read_bytes: ReadBytes) -> None:
    """Give each message of a recording to ``parser``.

    Raises
    ------
    DataError : names file and line
    """
    for text in blocks(sink, read_bytes):
        for line in text.splitlines():
            sink.line += 1
            stamp, _, body = line.partition(b" ")
            if len(stamp) != _STAMP_DIGITS or not stamp.isdigit():
                raise no_stamp(sink, line)
            sink.receive(int(stamp), sink.line)
            try:
                parser.parse(body, sink)
            except (ValueError, KeyError, TypeError) as error:
                reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
                raise broken(sink, body, reason) from error
    sink.flush()
    sink.report.lines = sink.line


def no_stamp(sink: Sink, line: bytes) -> DataError:
    """Return the error of a line without a receipt time."""
    return DataError(
        f"{sink.path}:{sink.line}: line must start with the receipt time in ns ({_STAMP_DIGITS} digits), "
        f"was {line[:40]!r}: is it another kind of file, or are its times in ms?"
    )


def broken(sink: Sink, body: bytes, reason: str) -> DataError:
    """Return the error of a message that breaks a rule."""
    return DataError(
        f"{sink.path}:{sink.line}: must be a complete message of the venue ({reason}), "
        f"was {body[:80]!r}: remove the line or record again"
    )
