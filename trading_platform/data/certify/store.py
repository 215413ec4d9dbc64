"""Certify files with what their manifests tell, and write the certificates beside them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from ...model.errors import DataError
from ..files import file_sha256, load_events, write_atomically
from ..manifest import Manifest, manifest_of
from .certify import Certificate, Overrides, Progress, certify
from .verdict import certificate_path


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
