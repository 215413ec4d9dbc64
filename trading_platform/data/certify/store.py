"""Certificates beside their data: ``<stem>.certificate.json``; and what a run record says about a file."""

import hashlib
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...model.errors import DataError
from ..files import file_sha256, load_events, write_atomically
from ..manifest import Manifest, manifest_of
from .certify import Certificate, Overrides, Progress, certify
from .codes import Severity
from .model import SUFFIX, FileCertificate

UNCERTIFIED: Final = "uncertified"
STALE: Final = "stale"


def certificate_path(data: Path) -> Path:
    """Return where the certificate of an event file is."""
    return data.with_suffix(SUFFIX)


def certify_files(
    paths: Sequence[Path],
    *,
    tick_size: Decimal | None = None,
    lot_size: Decimal | None = None,
    overrides: Overrides | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Certify consecutive event files, with what their manifests tell. Writes nothing.

    Parameters
    ----------
    paths : files of one stream, in order of time
    tick_size, lot_size : [quote], [base or contracts]; None takes the manifest's
    overrides, progress : see `certify`

    Raises
    ------
    DataError : a file that cannot be read, one that is not what its manifest tells, a grid that nobody tells or
        that two manifests tell differently
    """
    manifests = [manifest_of(path) for path in paths]
    ticks = stream_grid("tick_size", tick_size, paths, manifests)
    lots = stream_grid("lot_size", lot_size, paths, manifests)
    arrays = [load_events(path) for path in paths]
    digests = [file_sha256(path) for path in paths]
    for path, manifest, digest in zip(paths, manifests, digests, strict=True):
        if manifest is not None and manifest.output.sha256 != digest:
            raise DataError(
                f"{path.with_suffix('.json')}: output.sha256 must be the SHA-256 of {path.name} ({digest}), was "
                f"{manifest.output.sha256}: the data changed since; convert it again or remove the manifest"
            )
    return certify(
        arrays,
        [path.name for path in paths],
        tick_size=ticks,
        lot_size=lots,
        digests=digests,
        manifests=manifests,
        overrides=overrides,
        progress=progress,
    )


def write_certificates(certificate: Certificate, paths: Sequence[Path]) -> list[Path]:
    """Write each certificate beside its file, in place of an older one; return where."""
    written = []
    for one, path in zip(certificate.files, paths, strict=True):
        out, content = certificate_path(path), one.to_json()
        write_atomically(out, lambda file, content=content: file.write(content), overwrite=True)  # type: ignore[misc]
        written.append(out)
    return written


def verdict_of(path: str | os.PathLike[str], sha256: str | None = None) -> dict[str, Any]:
    """Return what a run record says about the certificate of an event file.

    Parameters
    ----------
    path : the event file
    sha256 : its SHA-256 if it is known already

    Returns
    -------
    dict : verdict (clean, warnings, errors; uncertified without a certificate; stale if the data is not what was
        certified), certificate_sha256 (None if uncertified), findings (kinds by severity)

    Raises
    ------
    DataError : a certificate that is damaged
    """
    out = certificate_path(Path(path))
    if not out.is_file():
        return {
            "verdict": UNCERTIFIED,
            "certificate_sha256": None,
            "findings": dict.fromkeys(map(str, Severity), 0),
        }
    certificate = read_certificate(out)
    actual = sha256 or file_sha256(path)
    return {
        "verdict": str(certificate.verdict) if certificate.file.sha256 == actual else STALE,
        "certificate_sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "findings": {str(severity): certificate.count(severity) for severity in Severity},
    }


def read_certificate(path: Path) -> FileCertificate:
    """Return a certificate from its file.

    Raises
    ------
    DataError : absent, unreadable or not valid
    """
    try:
        return FileCertificate.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: must be a readable certificate ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(
            f"{path}: must be a valid certificate, {place}: {first['msg']}: "
            "certify the data again (`trading-platform data certify`)"
        ) from error


def stream_grid(
    name: str, given: Decimal | None, paths: Sequence[Path], manifests: Sequence[Manifest | None]
) -> Decimal:
    """Return the step that is given, or the one that all manifests tell (``name``: tick_size or lot_size).

    Raises
    ------
    DataError : nobody tells it, or two manifests tell it differently
    """
    if given is not None:
        return given
    told: set[Decimal] = {getattr(manifest, name) for manifest in manifests if manifest is not None}
    if len(told) != 1:
        option = f"--{name.replace('_', '-')}"
        files = ", ".join(path.name for path in paths)
        raise DataError(
            f"{files}: {name} must be told once, manifests tell {sorted(map(str, told)) or 'none'}: give {option}"
        )
    return told.pop()
