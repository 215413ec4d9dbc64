"""Machine code out of the cache: read, linked by LLVM, called through ctypes. Nothing here loads numba."""

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm

_MAGIC: Final = b"trading_platform/object/2"
_FACTS: Final = 5  # of the first line, before the names of the environments
_NONE_RETURNED: Final = -2  # numba's codes (numba/core/callconv.py): the function returned None
FIRST_ARGUMENT: Final = 2  # of a call's words: result and exception come first


@dataclass(frozen=True)
class ObjectCode:
    """A compiled function: two ELF objects, the function and the one that Python calls with the address of its words.

    ``runtime``: it calls numba's own runtime; ``environments``: symbols of what numba needs to make Python objects.
    """

    symbol: str
    runtime: bool
    environments: tuple[str, ...]
    elf: bytes
    caller: bytes


def caller_of(symbol: str) -> str:
    """Return the symbol of the function that Python calls."""
    return f"call.{symbol}"


def read_object(path: Path) -> ObjectCode | None:
    """Return what `write_object` wrote; None if there is nothing, or not the whole of it."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    facts = head.split(b" ")
    if len(facts) < _FACTS or facts[0] != _MAGIC or facts[1] != _digest(body):
        return None
    environments = tuple(name.decode() for name in facts[_FACTS:])
    size = int(facts[4])
    return ObjectCode(facts[2].decode(), facts[3] == b"1", environments, body[:size], body[size:])


def write_object(path: Path, code: ObjectCode) -> None:
    """Keep a compiled function. A read-only or full disk is no error: the next process compiles it again."""
    body = code.elf + code.caller
    facts = (_digest(body), code.symbol.encode(), b"1" if code.runtime else b"0", str(len(code.elf)).encode())
    head = b" ".join((_MAGIC, *facts, *(name.encode() for name in code.environments)))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(head + b"\n" + body)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _digest(elf: bytes) -> bytes:
    return hashlib.blake2b(elf, digest_size=16).hexdigest().encode()


class Linked:
    """A function in memory, ready to be called with machine words."""

    def __init__(self, code: ObjectCode) -> None:
        if code.runtime:
            from .compiler import load_runtime

            load_runtime()
        self._code = code
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        for elf in (code.elf, code.caller):
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(elf))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(code.symbol)
        caller = self._engine.get_function_address(caller_of(code.symbol))
        # one argument: ctypes takes as long for each as for the rest of a call. Python's lock stays held
        self._call = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(caller)

    def _environments(self) -> list[int]:
        """Return the addresses of the pointers to numba's environments."""
        return [self._engine.get_global_value_address(name) for name in self._code.environments]

    def bind(self, arguments: Sequence[int], keep: Any) -> Callable[[], int]:
        """Return the call with these words; ``keep`` lives as long as the call."""
        words = (ctypes.c_int64 * (FIRST_ARGUMENT + len(arguments)))(0, 0, *arguments)
        native, address = self._call, ctypes.addressof(words)

        def call(_keep: Any = keep) -> int:
            status = native(address)
            if status != 0 and status != _NONE_RETURNED:
                from .compiler import raise_exception

                raise_exception(status, words[1], self._environments())
            return words[0]

        return call


@cache
def target_machine() -> Any:
    """Return what makes code for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(jit=True)
