"""Machine code out of the cache: read, linked by LLVM, called through ctypes. Nothing here loads numba."""

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm

_MAGIC: Final = b"trading_platform/object/1"
_FACTS: Final = 4  # of the first line, before the names of the environments
_NONE_RETURNED: Final = -2  # numba's codes (numba/core/callconv.py): the function returned None


@dataclass(frozen=True)
class ObjectCode:
    """A compiled function: the ELF object and its symbol.

    ``runtime``: it calls numba's own runtime; ``environments``: symbols of what numba needs to make Python objects.
    """

    symbol: str
    runtime: bool
    environments: tuple[str, ...]
    elf: bytes


def read_object(path: Path) -> ObjectCode | None:
    """Return what `write_object` wrote; None if there is nothing, or not the whole of it."""
    try:
        head, _, rest = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    facts = head.split(b" ")
    if len(facts) < _FACTS or facts[0] != _MAGIC or facts[1] != _digest(rest):
        return None
    environments = tuple(name.decode() for name in facts[_FACTS:])
    return ObjectCode(facts[2].decode(), facts[3] == b"1", environments, rest)


def write_object(path: Path, code: ObjectCode) -> None:
    """Keep a compiled function. A read-only or full disk is no error: the next process compiles it again."""
    names = [name.encode() for name in code.environments]
    head = b" ".join(
        (_MAGIC, _digest(code.elf), code.symbol.encode(), b"1" if code.runtime else b"0", *names)
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(head + b"\n" + code.elf)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _digest(elf: bytes) -> bytes:
    return hashlib.blake2b(elf, digest_size=16).hexdigest().encode()


class Linked:
    """A function in memory, ready to be called with machine words."""

    def __init__(self, code: ObjectCode, words: int) -> None:
        if code.runtime:
            from .compiler import load_runtime

            load_runtime()
        self._code = code
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code.elf))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(code.symbol)
        # numba's convention: status f(result *, exception **, arguments ...); the lock stays held
        form = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * words)
        self._native = form(self.address)

    def _environments(self) -> list[int]:
        """Return the addresses of the pointers to numba's environments."""
        return [self._engine.get_global_value_address(name) for name in self._code.environments]

    def bind(self, words: Sequence[int], keep: Any) -> Callable[[], int]:
        """Return the call with these words; ``keep`` lives as long as the call."""
        result, fault = ctypes.c_int64(), ctypes.c_void_p()
        native = partial(self._native, ctypes.addressof(result), ctypes.addressof(fault), *words)

        def call(_keep: Any = (keep, fault)) -> int:
            status = native()
            if status != 0 and status != _NONE_RETURNED:
                from .compiler import raise_exception

                raise_exception(status, fault.value, self._environments())
            return result.value

        return call


@cache
def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(jit=True)
