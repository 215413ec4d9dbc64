"""Order of event rows: what the venue saw first and what we saw first, in one array to be replayed."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..model.errors import DataError
from .events import EVENT, EXCH_FLAG, LOCAL_FLAG, EventArray, IntArray, Mask

NO_ROWS: Final = np.zeros(0, EVENT)
_NS_MIN: Final = np.iinfo(np.int64).min
_NS_MAX: Final = np.iinfo(np.int64).max


def split_event_order(
    rows: EventArray, carried: EventArray = NO_ROWS, exch_until_ns: int = _NS_MAX
) -> tuple[EventArray, EventArray]:
    """Order rows by both clocks at once, and flag each EXCH, LOCAL or both.

    A row that arrived after a younger one cannot stand at one place for both clocks: it becomes an EXCH row
    at its place by exch_ts and a LOCAL row at its place by local_ts. All others stay one row with both flags.

    Parameters
    ----------
    rows : event array
        without EXCH and LOCAL flags, in order of receipt (local_ts never falls)
    carried : event array
        rows of earlier files of this stream whose EXCH half is still to come
    exch_until_ns : int
        [ns] EXCH halves after it belong to a later file, which holds older rows

    Returns
    -------
    ordered : event rows with flags
    left : rows whose EXCH half must be carried into the next file

    Raises
    ------
    DataError : local_ts falls
    """
    order = StreamOrder(carried)
    ordered = order.end(rows, exch_until_ns)
    return ordered, order.carried


class StreamOrder:
    """Orders a stream that comes in pieces as `split_event_order` orders the whole; holds what may still change.

    A row is final when no row after it is older on the venue's clock, so only rows that wait for a late one are held.
    """

    def __init__(self, carried: EventArray = NO_ROWS) -> None:
        self.carried = carried  # rows of ended files whose EXCH half is still to come
        self._held: EventArray = NO_ROWS  # received, their flags not yet decided
        self._placed: Mask = np.zeros(0, np.bool_)  # of these: the EXCH half is out

    @property
    def held_rows(self) -> int:
        """Rows that wait for a late one."""
        return len(self._held)

    def push(self, rows: EventArray, later_exch_ns: int) -> EventArray:
        """Take the next rows of the file; return those that are final, with flags.

        ``later_exch_ns`` is the smallest exch_ts of all rows that are still to come, of later files too.
        """
        rows, placed = self._take(rows)
        newest = np.maximum.accumulate(rows["exch_ts"])
        cut = int(np.searchsorted(newest, later_exch_ns, side="right"))
        woven = _Woven(rows, placed, self.carried, _NS_MAX)
        ordered = woven.before(cut)
        self._held, self._placed = rows[cut:].copy(), woven.placed_before(cut)[cut:]
        self.carried = woven.carried_after(cut)
        return ordered

    def end(self, rows: EventArray, exch_until_ns: int) -> EventArray:
        """Take the last rows of the file and return all that are left; EXCH halves after a time are carried on."""
        rows, placed = self._take(rows)
        woven = _Woven(rows, placed, self.carried, exch_until_ns)
        self._held, self._placed = NO_ROWS, np.zeros(0, np.bool_)
        self.carried = woven.left()
        return woven.before(len(rows) + 1)

    def _take(self, rows: EventArray) -> tuple[EventArray, Mask]:
        if len(self._held):
            rows = np.concatenate([self._held, rows])
        falls = np.flatnonzero(np.diff(rows["local_ts"]) < 0)
        if len(falls):
            raise DataError(f"local_ts must never fall in order of receipt, falls at row {int(falls[0]) + 1}")
        return rows, np.concatenate([self._placed, np.zeros(len(rows) - len(self._placed), np.bool_)])


class _Woven:
    """Where the EXCH halves of late rows stand between rows in order of receipt."""

    def __init__(self, rows: EventArray, placed: Mask, carried: EventArray, exch_until_ns: int) -> None:
        self._rows, self._placed, self._carried_rows = rows, placed, len(carried)
        self._both = np.concatenate([carried, rows]) if len(carried) else rows
        exch_ns, first = self._both["exch_ts"], len(carried)
        order = np.argsort(
            exch_ns, kind="stable"
        )  # equal exch_ts: in order of receipt, so by (exch_ts, local_ts)
        rank = _rank(exch_ns[order], self._both["local_ts"][order], order)
        horizon = np.maximum.accumulate(rank[first:])  # the youngest row received so far
        self._kept = exch_ns <= exch_until_ns
        waits = self._kept.copy()
        waits[first:] &= ~placed
        self._single = (rank[first:] == horizon) & waits[first:]
        waits[first:] &= ~self._single
        self._apart = order[waits[order]]  # EXCH halves that need a row of their own, in order of exch_ts
        self._place = np.where(
            self._apart < first,  # a carried row is older than its equals here
            np.searchsorted(horizon, rank[self._apart], side="left"),
            np.searchsorted(horizon, rank[self._apart], side="right"),
        )

    def before(self, cut: int) -> EventArray:
        """Return the rows received before ``cut`` and the EXCH halves among them, flags set."""
        early = self._place < cut
        return _weave(
            self._rows[:cut], self._single[:cut], self._both[self._apart[early]], self._place[early]
        )

    def placed_before(self, cut: int) -> Mask:
        """Return per row whether its EXCH half is out with the rows before ``cut``."""
        placed = self._placed.copy()
        out = self._apart[self._place < cut] - self._carried_rows
        placed[out[out >= 0]] = True
        return placed

    def carried_after(self, cut: int) -> EventArray:
        """Return the carried rows that stand after ``cut``."""
        late = self._apart[self._place >= cut]
        return self._both[late[late < self._carried_rows]]

    def left(self) -> EventArray:
        """Return the rows whose EXCH half belongs to a later file."""
        return self._both[~self._kept]


def _rank(exch_ns: IntArray, local_ns: IntArray, order: IntArray) -> IntArray:
    """Return per row the dense rank of (exch_ts, local_ts): equal pairs have equal ranks."""
    grows = (np.diff(exch_ns) != 0) | (np.diff(local_ns) != 0)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.concatenate([np.zeros(min(1, len(order)), np.int64), np.cumsum(grows)])
    return rank


def _weave(rows: EventArray, single: Mask, apart: EventArray, place: IntArray) -> EventArray:
    """Return ``rows`` with ``apart[i]`` put before row ``place[i]``, flags set."""
    woven = np.empty(len(rows) + len(apart), EVENT)
    at_apart = place + np.arange(len(apart))
    at_rows = np.arange(len(rows)) + np.searchsorted(place, np.arange(len(rows)), side="right")
    woven[at_rows] = rows
    woven["ev"][at_rows] |= np.where(single, EXCH_FLAG | LOCAL_FLAG, LOCAL_FLAG).astype(np.uint64)
    woven[at_apart] = apart
    woven["ev"][at_apart] |= np.uint64(EXCH_FLAG)
    return woven


def split_parts(rows: EventArray, parts: int) -> list[EventArray]:
    """Cut ordered rows into ``parts`` consecutive views of similar length that replay like the whole.

    A cut never separates rows of one timestamp, on either clock: hftbacktest drains a timestamp at once.

    Raises
    ------
    DataError : there are not enough places to cut
    """
    if not 1 <= parts <= len(rows):
        raise DataError(f"parts must be 1 to the number of rows ({len(rows)}), was {parts}")
    allowed = np.flatnonzero(
        _separates(rows["exch_ts"], rows["ev"], EXCH_FLAG)
        & _separates(rows["local_ts"], rows["ev"], LOCAL_FLAG)
    )
    cuts = [0]
    for part in range(1, parts):
        found = np.searchsorted(allowed, max(part * len(rows) // parts, cuts[-1] + 1))
        if found == len(allowed):
            raise DataError(
                f"parts must be at most {part}, was {parts}: "
                f"no timestamp ends after row {part * len(rows) // parts}"
            )
        cuts.append(int(allowed[found]))
    return [rows[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(rows)], strict=True)]


def _separates(ns: IntArray, ev: npt.NDArray[np.uint64], flag: int) -> Mask:
    """Return for each row whether a cut before it leaves every flagged row before it strictly older."""
    flagged = (ev & np.uint64(flag)) != 0
    newest_before = np.maximum.accumulate(np.where(flagged, ns, _NS_MIN))
    oldest_after = np.minimum.accumulate(np.where(flagged, ns, _NS_MAX)[::-1])[::-1]
    separates = np.zeros(len(ns), np.bool_)  # never before row 0: that part would be empty
    separates[1:] = newest_before[:-1] < oldest_after[1:]
    return separates
