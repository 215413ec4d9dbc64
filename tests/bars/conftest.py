"""Files that bars are made of."""

from pathlib import Path

import numpy as np
import pytest
from market_data.builders import PARTS, USDM_FILE, recordings

from trading_platform.data.convert import convert
from trading_platform.data.files import load_events, save_events


@pytest.fixture(scope="session")
def btcusdt_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the converted Binance USD-M recording of 2024-08-08."""
    (path,) = recordings(USDM_FILE)
    return convert("binance-usdm", [path], tmp_path_factory.mktemp("btcusdt")).files[0].path


@pytest.fixture(scope="session")
def slice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first rows of the bundled market: plain Python has to get through them."""
    path = tmp_path_factory.mktemp("slice") / "slice.npy"
    save_events(path, np.ascontiguousarray(load_events(PARTS / "part-000.npz")[:12_000]))
    return path
