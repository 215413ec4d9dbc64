"""Small markets for strategies."""

from pathlib import Path

import numpy as np
import pytest
from oracle.builders import PARTS
from venues.play import BUY, SELL, book, events_of, ticks_of_time, trade

from trading_platform.data.files import load_events, save_events


@pytest.fixture(scope="package")
def small_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a hand-made market of 100 ms: bid 100.0, ask 100.2."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 100)]
    rows += [trade(5, BUY, 1002, 1), trade(60, SELL, 1000, 1)]
    path = tmp_path_factory.mktemp("small") / "market.npz"
    save_events(path, events_of(rows))
    return path


@pytest.fixture(scope="package")
def slice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first rows of the bundled market."""
    path = tmp_path_factory.mktemp("slice") / "slice.npz"
    save_events(path, np.ascontiguousarray(load_events(PARTS[0])[:24_000]))
    return path
