"""The first 128 bytes of ``events.bin``: enough to refuse a file that this version would misread."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any, Final

from ..model.errors import EventLogError
from ..model.records import EVENT, EVENT_BYTES

MAGIC: Final = b"TPEVENTS"
FORMAT_VERSION: Final = 1
HEADER_BYTES: Final = 128  # one record: records stay aligned in the file
_LAYOUT: Final = struct.Struct("<8sII32s80x")  # magic, format version, record size, SHA-256 of the dtype
assert _LAYOUT.size == HEADER_BYTES


def _dtype_digest() -> bytes:
    fields: dict[str, Any] = dict(EVENT.fields or {})
    description = [[name, field[0].str, field[1]] for name, field in fields.items()]
    return hashlib.sha256(json.dumps(description).encode()).digest()


HEADER: Final = _LAYOUT.pack(MAGIC, FORMAT_VERSION, EVENT_BYTES, _dtype_digest())


def check_header(header: bytes, path: Path) -> None:
    """Raise EventLogError unless ``header`` starts a log that this version reads."""
    if len(header) < HEADER_BYTES:
        raise EventLogError(
            f"{path}: a log must begin with a {HEADER_BYTES} byte header, was {len(header)} bytes"
        )
    magic, version, record_bytes, dtype_digest = _LAYOUT.unpack(header)
    if magic != MAGIC:
        raise EventLogError(f"{path}: not an event log: it must begin with {MAGIC!r}, was {magic!r}")
    if version != FORMAT_VERSION:
        raise EventLogError(
            f"{path}: format version must be {FORMAT_VERSION}, was {version}: "
            "read it with the version of trading_platform that its run.json names"
        )
    if record_bytes != EVENT_BYTES or dtype_digest != _dtype_digest():
        raise EventLogError(
            f"{path}: records must have the fields of this version ({EVENT_BYTES} bytes, dtype "
            f"{_dtype_digest().hex()[:12]}), was {record_bytes} bytes, dtype {dtype_digest.hex()[:12]}: "
            "read it with the version of trading_platform that its run.json names"
        )
    if header != HEADER:
        at = next(index for index in range(HEADER_BYTES) if header[index] != HEADER[index])
        raise EventLogError(
            f"{path}: byte {at} of the header must be {HEADER[at]}, was {header[at]}: something wrote to the log"
        )
