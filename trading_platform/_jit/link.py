"""Machine code out of the cache: read, linked by LLVM, called as a built-in function. Nothing here loads numba."""

import contextlib
import ctypes
import hashlib
import os
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import llvmlite.binding as llvm

_MAGIC: Final = b"trading_platform/object/4"
_FACTS: Final = 5  # of the first line, before the names of the environments
RETURNED: Final = (0, -2)  # numba's codes (numba/core/callconv.py): the function returned, or returned None
_ONE_ARGUMENT: Final = 8  # METH_O
# what the callers that compiler.py makes call
_PYTHON_FUNCTIONS: Final = ("PyLong_AsLongLong", "PyLong_FromLongLong", "PyObject_CallOneArg")
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


class _Method(ctypes.Structure):
    """PyMethodDef. A call through it takes 60 ns, one through ctypes 250."""

    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


_new_builtin: Final = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.POINTER(_Method), ctypes.py_object, ctypes.c_void_p
)(("PyCFunction_NewEx", ctypes.pythonapi))


class Linked:
    """A function in memory, ready to be called with machine words.

    It stays there as long as the process: Python may still hold the built-in function, and an engine that LLVM frees
    takes the machine with it that all of them share.
    """

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
        self._method = _Method(caller_of(code.symbol).encode(), caller, _ONE_ARGUMENT, None)
        self._call = _new_builtin(ctypes.byref(self._method), self._fail, None)
        _linked.append(self)

    def _fail(self, address: int) -> NoReturn:
        """Raise what the compiled function raised in a call with the words at ``address``."""
        from .compiler import raise_exception

        status, exception = (ctypes.c_int64 * FIRST_ARGUMENT).from_address(address)
        pointers = [self._engine.get_global_value_address(name) for name in self._code.environments]
        raise_exception(status, exception, pointers)

    def bind(self, arguments: Sequence[int], keep: Any) -> Callable[[], int]:
        """Return the call with these words; ``keep`` lives as long as the call."""
        words = array("q", (0, 0, *arguments))
        call = partial(self._call, words.buffer_info()[0])
        call.keep = words, keep  # type: ignore[attr-defined]
        return call


_linked: Final[list[Linked]] = []


@cache
def target_machine() -> Any:
    """Return what makes code for this processor; it finds the functions of Python's C interface."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in _PYTHON_FUNCTIONS:
        llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    return llvm.Target.from_default_triple().create_target_machine(jit=True)
