"""Certificates beside their data, ``<stem>.certificate.json``: what a run record says about a file.

Imports nothing that certifies: every run asks.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...model.errors import DataError
from ..files import file_sha256
from .codes import Severity
from .model import SUFFIX, FileCertificate

UNCERTIFIED: Final = "uncertified"
STALE: Final = "stale"


def certificate_path(data: Path) -> Path:
    """Return where the certificate of an event file is."""
    return data.with_suffix(SUFFIX)


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
