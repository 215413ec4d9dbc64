"""The registry of sources."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .base import Converter
from .binance import COINM, SPOT, USDM

CONVERTERS: Final[Mapping[str, Converter]] = MappingProxyType(
    {converter.name: converter for converter in (USDM, COINM, SPOT)}
)
