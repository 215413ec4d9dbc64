"""The recordings, converted once per session, and synthetic markets."""

from pathlib import Path

import numpy as np
import pytest

from trading_platform.data.files import load_events, save_events

from .builders import PARTS, Market, converted, synthetic


@pytest.fixture(scope="session")
def btcusdt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Return the converted Binance USD-M recording of 2024-08-08."""
    names = ("binance_usdm_btcusdt_20240808.gz",)
    return tuple(converted("binance-usdm", names, tmp_path_factory.mktemp("btcusdt")))


@pytest.fixture(scope="session")
def coinm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Return the converted Binance COIN-M recordings of 2024-08-08 and 09: one stream in two files."""
    names = tuple(f"binance_coinm_btcusd_perp_2024080{day}.gz" for day in (8, 9))
    return tuple(converted("binance-coinm", names, tmp_path_factory.mktemp("coinm")))


@pytest.fixture(scope="session")
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Return the files of a market by its name: a fixture of this module, or ``synthetic-<seed>``."""
    folder, made = tmp_path_factory.mktemp("synthetic"), dict[str, tuple[Path, ...]]()

    def files(name: str) -> tuple[Path, ...]:
        if name not in made:
            kind, _, seed = name.partition("-")
            made[name] = (
                (synthetic(int(seed), folder),) if kind == "synthetic" else request.getfixturevalue(name)
            )
        return made[name]

    return files


@pytest.fixture(scope="session")
def slice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first rows of the bundled market: plain Python has to get through them."""
    path = tmp_path_factory.mktemp("slice") / "slice.npz"
    save_events(path, np.ascontiguousarray(load_events(PARTS[0])[:12_000]))
    return path
