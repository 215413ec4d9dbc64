"""The registry of sources."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .base import Converter
from .binance_futures import COINM, USDM

CONVERTERS: Final[Mapping[str, Converter]] = MappingProxyType(
    {converter.name: converter for converter in (USDM, COINM)}
)
