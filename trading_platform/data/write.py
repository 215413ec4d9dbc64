"""Event rows into a file that grows: rows are appended, the number of them stands in the header."""

import io
from types import TracebackType
from typing import IO

import numpy as np

from .events import EVENT, EventArray
from .manifest import RowCounts


class EventWriter:
    """Writes event rows; the bytes are those of numpy.save over all rows at once.

    Parameters
    ----------
    file : binary file, open for writing and empty; who opened it closes it
    rows : int or None
        how many rows will be appended, for a file that cannot go back to its header (a member of an ``.npz``);
        without it the header is written again at the end
    """

    def __init__(self, file: IO[bytes], rows: int | None = None) -> None:
        self._file = file
        self._rows_expected = rows
        self._rows = 0
        self._counts = RowCounts()
        self._header_bytes = file.write(_header(rows or 0))

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        if self._rows_expected is not None:
            if self._rows != self._rows_expected:
                raise AssertionError(
                    f"the header says {self._rows_expected} rows, appended were {self._rows}"
                )
            return
        self._file.seek(0)
        if self._file.write(_header(self._rows)) != self._header_bytes:
            raise AssertionError("numpy leaves room for the number of rows in the header")

    def append(self, rows: EventArray) -> None:
        """Append flagged rows."""
        if not len(rows):
            return
        self._file.write(np.ascontiguousarray(rows).view(np.uint8).data)
        self._rows += len(rows)
        self._counts.add(rows)

    def counts(self) -> dict[str, int]:
        """Return rows, rows of each side, and the first and last time of each side [ns], 0 where there is none."""
        return self._counts.told()


def _header(rows: int) -> bytes:
    header = {"descr": EVENT.descr, "fortran_order": False, "shape": (rows,)}
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, header)  # type: ignore[no-untyped-call]
    return text.getvalue()
