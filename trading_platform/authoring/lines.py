"""Which line of a strategy changed a word of the state, and through which line an exception came."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from .._jit.sources import own_files
from .words import Words

Line = tuple[str, int]  # file, line


def strategy_files(file: Path) -> frozenset[str]:
    """Return the files whose lines are the strategy's own, as names of files of frames."""
    return frozenset(map(str, own_files(file)))


def line_of_error(error: BaseException, files: frozenset[str]) -> Line:
    """Return the innermost line of the strategy that an exception passed through; ("", 0) if it passed none."""
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename in files
    ]
    return places[-1] if places else ("", 0)


def calling_line(frame: FrameType | None, files: frozenset[str]) -> Line:
    """Return the line of the strategy from which a frame was called."""
    while frame is not None and frame.f_code.co_filename not in files:
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)


class LineFinder:
    """Within ``with``, follows a strategy line by line; `found` has the last line that changed each word.

    Only a few words are compared at a line, so that it costs microseconds.
    """

    def __init__(self, words: Words, numbers: Sequence[int], files: frozenset[str]) -> None:
        self._words, self._numbers, self._files = words, numbers, files
        self._last: list[int] = []
        self._line: Line = ("", 0)
        self.found: dict[int, Line] = {}

    def __enter__(self) -> Self:
        """Start to follow."""
        self._last = [self._words.get(number) for number in self._numbers]
        self._outer = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        """Look once more, and stop."""
        sys.settrace(self._outer)
        self._look()

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None  # what it writes counts for the line that called it
        self._look()
        if event in ("call", "line"):
            self._line = (frame.f_code.co_filename, frame.f_lineno)
        elif event == "return":
            self._line = calling_line(frame.f_back, self._files)
        return self._trace

    def _look(self) -> None:
        for index, number in enumerate(self._numbers):
            value = self._words.get(number)
            if value != self._last[index]:
                self._last[index] = value
                self.found[number] = self._line
