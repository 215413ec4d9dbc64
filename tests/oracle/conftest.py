"""The recordings, converted once per session."""

from pathlib import Path

import pytest

from .builders import converted


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
