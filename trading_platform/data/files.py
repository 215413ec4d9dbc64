"""Event files: load, save, hash. ``.npy`` is memory-mapped (processes share it), ``.npz`` is for shipping."""

import hashlib
import mmap
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import numpy as np

from ..model.errors import DataError
from .events import EVENT, EventArray

NPZ_KEY: Final = "data"  # the name under which hftbacktest looks for the rows
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)  # same rows, same bytes, whenever they are written
_HASH_BYTES: Final = 1 << 20


def load_events(path: str | os.PathLike[str]) -> EventArray:
    """Return the rows of an event file: shape (rows,), hftbacktest's event dtype (64 bytes), C-contiguous.

    ``.npy`` comes back memory-mapped and read-only, ``.npz`` (key "data") in memory.

    Raises
    ------
    DataError : missing, truncated, of another dtype or shape, empty, or of another suffix
    """
    path = Path(path)
    rows = read_rows(path)
    if rows.dtype != EVENT:
        raise DataError(
            f"{path}: dtype must be hftbacktest's event_dtype {EVENT.descr}, was {rows.dtype}: "
            "convert the recording (`trading-platform data convert`)"
        )
    if rows.ndim != 1:
        raise DataError(f"{path}: must be one-dimensional, was of shape {rows.shape}")
    if len(rows) == 0:
        raise DataError(f"{path}: must hold at least one row, was empty: convert it again or leave it out")
    return rows


def let_go(rows: EventArray) -> None:
    """Give the memory of mapped rows back; they are read again when they are looked at."""
    owner: object = rows
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


def read_rows(path: Path) -> EventArray:
    """Return the array of a ``.npy`` file, mapped, or of key "data" of an ``.npz``, of whatever dtype it is.

    Raises
    ------
    DataError : missing, truncated, or of another suffix
    """
    if path.suffix not in (".npy", ".npz"):
        raise DataError(f"{path}: suffix must be .npy or .npz, was {path.suffix!r}: convert the file first")
    if not path.is_file():
        raise DataError(
            f"{path}: must be an existing file, was {'a directory' if path.is_dir() else 'absent'}"
        )
    return _read_npz(path) if path.suffix == ".npz" else _read_npy(path)


def _read_npy(path: Path) -> EventArray:
    try:
        rows: EventArray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path}: must be a complete .npy file, was truncated or damaged ({error}): write it again"
        ) from error
    return rows


def _read_npz(path: Path) -> EventArray:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if NPZ_KEY not in archive.files:
                raise DataError(f"{path}: must hold an array named {NPZ_KEY!r}, holds {archive.files}")
            rows: EventArray = archive[NPZ_KEY]
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, AttributeError) as error:
        raise DataError(
            f"{path}: must be a complete .npz file, was truncated or damaged ({error}): write it again"
        ) from error
    return rows


def save_events(path: str | os.PathLike[str], rows: EventArray, *, overwrite: bool = False) -> None:
    """Write rows to ``.npy`` or compressed ``.npz``, whole or not at all; the same rows give the same bytes.

    Raises
    ------
    DataError : rows are not a one-dimensional event array, the suffix is another one, or a file with other
        content exists and ``overwrite`` is false
    """
    path = Path(path)
    require_event_suffix(path)
    if rows.dtype != EVENT or rows.ndim != 1:
        raise DataError(
            f"{path}: rows must be one-dimensional of event_dtype, were {rows.dtype} of shape {rows.shape}"
        )
    writer = write_npz if path.suffix == ".npz" else _write_npy
    write_atomically(path, lambda file: writer(file, rows), overwrite=overwrite)


def require_event_suffix(path: Path) -> None:
    """Raise DataError unless a file's name says one of the two formats."""
    if path.suffix not in (".npy", ".npz"):
        raise DataError(f"{path}: suffix must be .npy or .npz, was {path.suffix!r}")


def _write_npy(file: IO[bytes], rows: EventArray) -> None:
    np.save(file, np.ascontiguousarray(rows), allow_pickle=False)


def write_npz(file: IO[bytes], rows: EventArray) -> None:
    """Write rows as the one array of an ``.npz``; the same rows give the same bytes."""
    with npz_member(file) as stream:
        _write_npy(stream, rows)


@contextmanager
def npz_member(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the stream into which the one array of an ``.npz`` is written, header and rows."""
    member = zipfile.ZipInfo(f"{NPZ_KEY}.npy", _ZIP_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    with (
        zipfile.ZipFile(file, "w", compresslevel=9) as archive,
        archive.open(member, "w", force_zip64=True) as stream,
    ):
        yield stream


def write_atomically(path: Path, write: Callable[[IO[bytes]], object], *, overwrite: bool = False) -> None:
    """Create ``path`` with what ``write`` writes, whole or not at all: an error leaves nothing behind.

    Raises
    ------
    DataError : a file with other content exists and ``overwrite`` is false; the disk is full or must not be written
    """
    try:
        with _temporary_beside(path) as temporary:
            with temporary.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            publish_all([(temporary, path)], overwrite=overwrite)
    except BrokenPipeError:
        raise  # where progress is shown has gone, not the disk
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}): free space or write elsewhere; "
            "what was there is as before"
        ) from error


def publish_all(pairs: Sequence[tuple[Path, Path]], *, overwrite: bool = False) -> None:
    """Move finished files (first of each pair) to their names (second); same content stays as it is.

    Raises
    ------
    DataError : a file with other content exists and ``overwrite`` is false, a directory has one of the names, or is
        not to be written; nothing was moved then
    """
    for _, path in pairs:
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            what = "a directory" if path.is_dir() else f"in {path.parent}, which must not be written"
            raise DataError(
                f"{path}: must be a file that can be made or replaced, was {what}: write elsewhere; nothing was changed"
            )
    if not overwrite:
        for temporary, path in pairs:
            if path.exists() and file_sha256(path) != file_sha256(temporary):
                raise DataError(
                    f"{path}: exists with other content and was kept: "
                    "remove it, write elsewhere, or replace it with --overwrite (overwrite=True)"
                )
    for temporary, path in pairs:
        temporary.replace(path)


@contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # left by a killed process that had our id
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; a missing file is a DataError."""
    path = Path(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BYTES):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: must be a readable file ({error.strerror})") from error
    return digest.hexdigest()
