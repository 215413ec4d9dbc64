"""An ``.npy`` file that grows: rows are appended, the number of them is written into its header at the end."""

from pathlib import Path
from types import TracebackType

import numpy as np

from ..events import EVENT, EventArray
from ..manifest import RowCounts


class EventWriter:
    """Writes event rows; the bytes are those of numpy.save over all rows at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self.counts = RowCounts()
        self._rows = 0
        self._header_bytes = self._write_header()

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._file.seek(0)
            if self._write_header() != self._header_bytes:
                raise AssertionError("numpy leaves room for the number of rows in the header")
        self._file.close()

    def _write_header(self) -> int:
        header = {
            "descr": EVENT.descr,
            "fortran_order": False,
            "shape": (self._rows,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)  # type: ignore[no-untyped-call]
        return self._file.tell()

    def append(self, rows: EventArray) -> None:
        """Append flagged rows."""
        if not len(rows):
            return
        rows.tofile(self._file)
        self._rows += len(rows)
        self.counts.add(rows)
