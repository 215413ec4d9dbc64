"""Compile policy: what is compiled, when, and where it is kept. numba is loaded only if something must be compiled.

A process that finds all it needs in the cache links object files and calls their functions: loading numba and its
registries would take longer than everything else before the first event.
"""

from .cache import cache_directory, cache_root, is_compiled, kernel_hash
from .functions import (
    COMPILED,
    INT,
    STATE,
    STRATEGY,
    Array,
    Deferred,
    Entry,
    as_record,
    bind,
    call_strategy,
    code_key,
    compiled_names,
    entry,
    kernel,
)

__all__ = [
    "COMPILED",
    "INT",
    "STATE",
    "STRATEGY",
    "Array",
    "Deferred",
    "Entry",
    "as_record",
    "bind",
    "cache_directory",
    "cache_root",
    "call_strategy",
    "code_key",
    "compiled_names",
    "entry",
    "is_compiled",
    "kernel",
    "kernel_hash",
]
