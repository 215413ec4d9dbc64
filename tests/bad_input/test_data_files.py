"""Data that cannot be replayed truthfully is refused before anything runs: with file, place, value and cure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from venues.play import events_of

from trading_platform.data.files import save_events

from .bench import Bench, Events, small_market

AnyArray = npt.NDArray[Any]
# a run each: the other kind on demand
SUFFIXES: Final = (".npy", pytest.param(".npz", marks=pytest.mark.long))


def write(path: Path, rows: AnyArray) -> Path:
    """Write any array in numpy's own way: `save_events` would refuse a bad one."""
    if path.suffix == ".npz":
        np.savez(path, data=rows)
    else:
        np.save(path, rows)
    return path


def other_dtype(rows: Events) -> AnyArray:
    return rows["px"].copy()


def no_rows(rows: Events) -> AnyArray:
    return rows[:0]


def unsorted(rows: Events) -> AnyArray:
    swapped = rows.copy()
    swapped[[4, 9]] = swapped[[9, 4]]
    return swapped


def without_flags(rows: Events) -> AnyArray:
    bare = rows.copy()
    bare["ev"][7] &= np.uint64(0x2000_00FF)  # kind and side stay
    return bare


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (other_dtype, ("dtype must be hftbacktest's event_dtype", "was float64", "convert")),
        (no_rows, ("must hold at least one row, was empty", "convert it again")),
        (unsorted, ("row 5: exch_ts must not fall, was 1723075200004", "convert the recording again")),
        (without_flags, ("row 7: ev must have the flag EXCH", "was 0x20000001", "convert the recording")),
    ],
)
def test_rows_that_cannot_be_replayed_are_refused_with_file_place_value_and_cure(
    bench: Bench, damage: Callable[[Events], AnyArray], words: tuple[str, ...], suffix: str
) -> None:
    file = write(bench.folder / f"market{suffix}", damage(events_of(small_market())))

    bench.run(files=[file]).was_refused(f"DataError: {file}: ", *words)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_refused_and_kept(bench: Bench, suffix: str) -> None:
    file = bench.market(small_market(), f"market{suffix}")
    half = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(half)

    bench.run(files=[file]).was_refused(
        f"DataError: {file}: ",
        f"must be a complete {suffix} file, was truncated or damaged",
        "write it again",
    )
    assert file.read_bytes() == half, "bad input never costs data"


def test_times_that_go_backwards_across_files_are_refused_with_the_later_file(bench: Bench) -> None:
    rows = events_of(small_market())
    files = [bench.folder / "monday.npy", bench.folder / "tuesday.npz"]
    for file, part in zip(files, (rows[:50], rows[50:]), strict=True):
        save_events(file, np.ascontiguousarray(part))

    bench.run(files=files[::-1]).was_refused(
        f"DataError: {files[0]}: row 0: exch_ts must not fall, was 1723075200000000000 after 1723075200",
        "order the files by time",
    )
