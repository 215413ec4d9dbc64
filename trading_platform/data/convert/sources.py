"""The registry of sources."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .base import Converter
from .binance import COINM, SPOT, USDM
from .binance_public import BINANCE_PUBLIC
from .columns import CSV, PARQUET
from .hyperliquid import HYPERLIQUID
from .tardis import TARDIS

CONVERTERS: Final[Mapping[str, Converter]] = MappingProxyType(
    {
        converter.name: converter
        for converter in (USDM, COINM, SPOT, BINANCE_PUBLIC, TARDIS, HYPERLIQUID, CSV, PARQUET)
    }
)
