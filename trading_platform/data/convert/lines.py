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
LINE_BYTES_MAX: Final = 1 << 26  # bounds the memory of a file that has no lines
_STAMP_DIGITS: Final = 19  # ns since 1970, 2001 to 2286


class Stream(Protocol):
    """Bytes to be read."""

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, at most ``size``; none at the end."""


@contextmanager
def opened(path: Path) -> Iterator[tuple[Stream, IO[bytes]]]:
    """Yield the text of a file, unpacked if its name ends with .gz, and the raw file below it."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw) as plain:
                yield cast(Stream, plain), raw
        else:
            yield raw, raw


def blocks(sink: Sink, read_bytes: ReadBytes) -> Iterator[bytes]:
    """Yield blocks of whole lines; the last line may lack its end.

    Raises
    ------
    DataError : unreadable, truncated or damaged; says after which line (``sink.line``) that was
    """
    try:
        with opened(sink.path) as (plain, raw):
            yield from whole_lines(plain, raw, sink, read_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{sink.path}: must be a complete gzip file, was broken after line {sink.line} ({error}): "
            "fetch or record it again"
        ) from error
    except OSError as error:
        raise DataError(f"{sink.path}: must be a readable file ({error.strerror})") from error


def whole_lines(plain: Stream, raw: IO[bytes], sink: Sink, read_bytes: ReadBytes) -> Iterator[bytes]:
    """Yield blocks of whole lines; the last line may lack its end.

    Raises
    ------
    DataError : a line without an end
    """
    rest = b""
    for block in _blocks(plain, sink):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
        if len(rest) > LINE_BYTES_MAX:
            raise DataError(
                f"{sink.path}:{sink.line + 1}: line must be at most {LINE_BYTES_MAX:,} bytes long, was longer: "
                "is it another kind of file?"
            )
        read_bytes(raw.tell())
    if rest:
        yield rest


def _blocks(plain: Stream, sink: Sink) -> Iterator[bytes]:
    """Yield the bytes of a stream; of one that is cut off the last whole line becomes ``sink.line``, for the error."""
    held = bytearray()
    try:
        while part := plain.read1(BLOCK_BYTES):
            held += part
            if len(held) >= BLOCK_BYTES:
                yield bytes(held)
                held.clear()
    except EOFError:
        sink.line += held.count(b"\n")
        raise
    if held:
        yield bytes(held)


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
