"""Where the catalogue of market data is, unless somebody says otherwise."""

from collections.abc import Mapping
from typing import Final

DATA_ROOT_VARIABLE: Final = "TRADING_PLATFORM_DATA_ROOT"
DATA_ROOT: Final = "data"


def data_root(environment: Mapping[str, str]) -> str:
    """Return the directory that the environment names, else ``data``; both relative to where the command is run."""
    return environment.get(DATA_ROOT_VARIABLE) or DATA_ROOT
