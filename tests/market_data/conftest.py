"""Real streams in a catalogue, converted once for all tests of the package."""

from pathlib import Path

import numpy as np
import pytest

from trading_platform.data.convert import convert
from trading_platform.data.files import load_events

from .builders import COINM_FILES, recordings
from .catalogue import put


@pytest.fixture(scope="session")
def coinm_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalogue with two consecutive days of COIN-M BTCUSD_PERP: one snapshot, in the first."""
    folder = tmp_path_factory.mktemp("coinm")
    made = convert("binance-coinm", recordings(*COINM_FILES), folder / "converted").files
    *first, second = (np.asarray(load_events(file.path)) for file in made)  # the first may be cut at midnight
    for rows, day in ((np.concatenate(first), "2024-08-08"), (second, "2024-08-09")):
        put(folder / "data", rows, day=day)
    return folder / "data"
