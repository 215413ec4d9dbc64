"""The recordings, converted once per session."""

from pathlib import Path

import pytest

from .builders import converted


@pytest.fixture(scope="session")
def btcusdt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Return the converted Binance USD-M recording of 2024-08-08."""
    names = ("binance_usdm_btcusdt_20240808.gz",)
    return tuple(converted("binance-usdm", names, tmp_path_factory.mktemp("btcusdt")))
