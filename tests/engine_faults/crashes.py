"""Ways to kill hftbacktest. ``python crashes.py`` takes each in a process of its own and prints how it ended, as JSON.

One process imports the engine and forks for each way: an import each would take most of the time.
"""

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Final

import numpy as np
from hftbacktest import _hftbacktest, binding
from venues.play import BUY, LOCAL_MS, MS, START_NS, events_of
from venues.test_technical_rejects import LATENCY

from engine_faults.bare import Bare, asset_of, market

ROWS: Final = events_of(market())
SECONDS_MAX: Final = 20
MANY: Final = 200_000  # rows enough to be given back to the system when they are freed
HELD: Final[list[object]] = []  # what a way to die keeps alive on purpose


def _build(asset: object) -> int:
    HELD.append(asset)
    return int(_hftbacktest.build_hashmap_backtest([asset]))


def asset_number_out_of_range() -> None:
    bare = Bare(ROWS)
    bare.wait_ms()
    bare.call("position", 1)


def missing_snapshot() -> None:
    _build(asset_of().initial_snapshot("absent.npz").data([ROWS]))


def rows_arrive_before_they_happened_after_an_offset() -> None:
    _build(asset_of().data([ROWS.copy()]).latency_offset(-LOCAL_MS * MS))


def offset_on_a_read_only_array() -> None:
    np.save("rows.npy", ROWS)
    _build(asset_of().data([np.load("rows.npy", mmap_mode="r")]).latency_offset(1))


def use_after_close() -> None:
    bare = Bare(ROWS)
    bare.wait_ms()
    engine = bare._engine
    bare.close()
    for _ in range(1000):
        binding.hashmapbt_wait_next_feed(engine, True, MS)


def rows_freed_while_in_use() -> None:
    rows = np.zeros(MANY, ROWS.dtype)
    rows[:] = np.resize(ROWS, MANY)
    rows["exch_ts"] = START_NS + np.arange(MANY)
    rows["local_ts"] = rows["exch_ts"] + 1
    engine = _build(asset_of().data([rows]))
    binding.hashmapbt_wait_next_feed(engine, True, 1)
    del rows
    gc.collect()
    while binding.hashmapbt_wait_next_feed(engine, True, MS) != 1:
        pass


def no_assets() -> None:
    _hftbacktest.build_hashmap_backtest([])


def file_of_another_dtype() -> None:
    np.save("numbers.npy", np.zeros(3))
    engine = _build(asset_of().data(["numbers.npy"]))
    binding.hashmapbt_wait_next_feed(engine, True, 1)


def no_recorded_latencies() -> None:
    bare = Bare(ROWS, latency=np.zeros(0, LATENCY))
    bare.wait_ms()
    bare.send(BUY, 1, 1000, 1)


WAYS: Final[tuple[Callable[[], None], ...]] = (
    asset_number_out_of_range,
    missing_snapshot,
    rows_arrive_before_they_happened_after_an_offset,
    offset_on_a_read_only_array,
    use_after_close,
    rows_freed_while_in_use,
    no_assets,
    file_of_another_dtype,
    no_recorded_latencies,
)


def ended(way: Callable[[], None]) -> tuple[int, str]:
    """Return exit code (negative: the signal) and last words of a process that goes this way."""
    with tempfile.TemporaryFile() as words:
        child = os.fork()
        if child == 0:
            os.dup2(words.fileno(), 2)
            signal.alarm(SECONDS_MAX)
            try:
                way()
            except BaseException:  # noqa: BLE001 (told to the parent, who expects a death)
                traceback.print_exc()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        words.seek(0)
        return os.waitstatus_to_exitcode(status), words.read().decode(errors="replace")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        json.dump({way.__name__: ended(way) for way in WAYS}, sys.stdout)
