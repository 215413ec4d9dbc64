"""Conversion of recorded streams into event files. A new source is one module and one entry of CONVERTERS."""

from .base import Converter, FileReport, Gap, Options, Reader, Sink
from .pipeline import BASE_LATENCY_NS, ConvertedFile, ConvertResult, Progress, convert
from .sources import CONVERTERS

__all__ = [
    "BASE_LATENCY_NS",
    "CONVERTERS",
    "ConvertResult",
    "ConvertedFile",
    "Converter",
    "FileReport",
    "Gap",
    "Options",
    "Progress",
    "Reader",
    "Sink",
    "convert",
]
