"""An ``.npy`` file that grows: rows are appended, the number of them is written into its header at the end."""

from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from ..events import EVENT, EXCH_FLAG, LOCAL_FLAG, EventArray

_SIDES: Final = (("local", "local_ts", LOCAL_FLAG), ("exch", "exch_ts", EXCH_FLAG))


class EventWriter:
    """Writes event rows; the bytes are those of numpy.save over all rows at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._rows = 0
        self._counts = {f"{side}_rows": 0 for side, _, _ in _SIDES}
        self._times = {f"{end}_{side}_ns": 0 for side, _, _ in _SIDES for end in ("first", "last")}
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
        for side, name, flag in _SIDES:
            seen = np.flatnonzero(rows["ev"] & np.uint64(flag))
            if not len(seen):
                continue
            if not self._counts[f"{side}_rows"]:
                self._times[f"first_{side}_ns"] = int(rows[name][seen[0]])
            self._counts[f"{side}_rows"] += len(seen)
            self._times[f"last_{side}_ns"] = int(rows[name][seen[-1]])

    def counts(self) -> dict[str, int]:
        """Return rows, rows of each side, and the first and last time of each side [ns], 0 where there is none."""
        return {"rows": self._rows, **self._counts, **self._times}
