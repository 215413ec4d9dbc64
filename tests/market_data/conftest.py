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
    for file, day in zip(made, ("2024-08-08", "2024-08-09"), strict=True):
        put(folder / "data", np.asarray(load_events(file.path)), day=day, stem=file.path.stem)
    return folder / "data"
