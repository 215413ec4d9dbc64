"""The core state as one vector of int64 words: what changed in it, and what a word is called."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..core.state import FIELDS, PARAMS_BYTES, State
from ..model.records import RecordDtype, field_word

Vector = npt.NDArray[np.int64]
WORD_BYTES: Final = 8
SESSION_FREE: Final = ("intent_count", "timer_ns")  # what a strategy may change in the session


@dataclass(frozen=True)
class Place:
    """Where a word lies: ``state.<array>[row]["<field>"]``, with the dtype of what is stored there."""

    array: str
    row: int
    field: str
    kind: np.dtype[Any]
    byte: int  # of the field in its word

    @property
    def text(self) -> str:
        """The place as it is written in a strategy."""
        if self.array in ("params", "memory"):
            return f'{self.array}["{self.field}"]'
        return f'state.{self.array}[{self.row}]["{self.field}"]'

    def value(self, word: int) -> int | float:
        """Return what a word says at this place."""
        value: int | float = np.frombuffer(np.int64(word).tobytes(), self.kind, 1, self.byte)[0].item()
        return value


class Words:
    """All arrays of a state, seen as int64 words that are numbered through.

    ``params`` and ``memory`` are the strategy's records at the start of ``state.strategy``.
    """

    def __init__(self, state: State, params: RecordDtype, memory: RecordDtype | None) -> None:
        self._views = {name: getattr(state, name).view(np.int64).reshape(-1) for name in FIELDS}
        self._first, size = {}, 0
        for name, view in self._views.items():
            self._first[name] = size
            size += len(view)
        self._starts = np.array(list(self._first.values()), np.int64)
        self._params, self._memory = params, memory
        own_bytes = 0 if memory is None else memory.itemsize
        first_own = self._first["strategy"] + PARAMS_BYTES // WORD_BYTES
        session, intents = self._first["session"], self._first["intents"]
        self._free = np.zeros(size, bool)
        self._free[intents : intents + len(self._views["intents"])] = True
        self._free[first_own : first_own + own_bytes // WORD_BYTES] = True
        for field in SESSION_FREE:
            self._free[session + field_word(FIELDS["session"], field)] = True

    def read(self) -> Vector:
        """Return a copy of all words."""
        return np.concatenate(list(self._views.values()))

    def changed(self, known: Vector) -> Vector:
        """Return the numbers of the words that differ from ``known``, ascending."""
        found = [
            np.flatnonzero(view != known[self._first[name] : self._first[name] + len(view)])
            + self._first[name]
            for name, view in self._views.items()
        ]
        return np.concatenate(found)

    def get(self, word: int) -> int:
        """Return one word."""
        name = self._array(word)
        return int(self._views[name][word - self._first[name]])

    def take(self, words: Vector) -> Vector:
        """Return some words."""
        values = np.empty(len(words), np.int64)
        for view, chosen, places in self._by_array(words):
            values[chosen] = view[places]
        return values

    def give(self, words: Vector, values: Vector) -> None:
        """Set some words."""
        for view, chosen, places in self._by_array(words):
            view[places] = values[chosen]

    def may_change(self, words: Vector) -> npt.NDArray[np.bool_]:
        """Tell which words a strategy may change: intents, their count, the timer and its own memory."""
        return self._free[words]

    def place(self, word: int, before: int, after: int) -> Place:
        """Return where a word lies; of several small fields in it, the first that differs."""
        name = self._array(word)
        byte = (word - self._first[name]) * WORD_BYTES
        if name == "strategy":
            return self._strategy_place(byte)
        dtype = FIELDS[name]
        row, inside = divmod(byte, dtype.itemsize)
        return _field_place(name, row, dtype, inside, before ^ after)

    def _array(self, word: int) -> str:
        return list(self._first)[np.searchsorted(self._starts, word, side="right") - 1]

    def _by_array(self, words: Vector) -> Iterator[tuple[Vector, npt.NDArray[np.bool_], Vector]]:
        """Yield per array that is touched: its words, which of ``words`` lie in it, and where."""
        owner = np.searchsorted(self._starts, words, side="right") - 1
        views = list(self._views.values())
        for index in np.unique(owner):
            chosen = owner == index
            yield views[index], chosen, words[chosen] - self._starts[index]

    def _strategy_place(self, byte: int) -> Place:
        if byte < self._params.itemsize:
            return _field_place("params", 0, self._params, byte, -1)
        byte -= PARAMS_BYTES
        if self._memory is not None and 0 <= byte < self._memory.itemsize:
            return _field_place("memory", 0, self._memory, byte, -1)
        return Place("strategy", byte + PARAMS_BYTES, "", np.dtype("i8"), 0)


def _field_place(array: str, row: int, dtype: RecordDtype, inside: int, difference: int) -> Place:
    """Return the place of the word at byte ``inside`` of a record; ``difference`` has the bits that differ."""
    assert dtype.fields is not None
    for name, (kind, offset, *_) in dtype.fields.items():
        if not offset < inside + WORD_BYTES or not inside < offset + kind.itemsize:
            continue
        if kind.names is not None:
            inner = _field_place(array, row, kind, inside - offset, difference)
            return replace(inner, field=f"{name}.{inner.field}")
        if kind.itemsize >= WORD_BYTES:
            index = f"[{(inside - offset) // WORD_BYTES}]" if kind.subdtype is not None else ""
            return Place(array, row, f"{name}{index}", kind.base, 0)
        shift = 8 * (offset - inside)
        if (difference >> shift) & ((1 << 8 * kind.itemsize) - 1):
            return Place(array, row, name, kind, offset - inside)
    raise AssertionError(f"no field of {dtype} at byte {inside}")
