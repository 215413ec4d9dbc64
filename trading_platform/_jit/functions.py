"""The decorators: ``kernel`` for functions that compiled code calls, ``entry`` for those that Python calls."""

import hashlib
import marshal
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, update_wrapper
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .cache import cache_directory, mark_used, remove_unused

if not __debug__:
    raise RuntimeError(  # not of model/errors.py: nothing of this package lies below
        "trading_platform must not run under `python -O` or PYTHONOPTIMIZE: its assertions are checks"
    )

F = TypeVar("F", bound=Callable[..., Any])
COMPILED: Final = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
compiled_names: Final[list[str]] = []
"""What this process had to compile: ``module.name`` of each function."""
state_fields: Final[dict[str, "np.dtype[Any]"]] = {}
"""The arrays of the state in the order of its table: see `bind` and state_type.py."""
state_classes: Final[list[type]] = []
_CONSTANTS: Final = (int, float, bool, str, bytes, type(None), np.generic)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an entry that is no array."""

    name: str


INT: Final = Parameter("int64")
STATE: Final = Parameter("state")  # an instance of the class given to `bind`
STRATEGY: Final = Parameter("strategy")  # an Entry of one STATE; see `call_strategy`


@dataclass(frozen=True)
class Array:
    """A parameter of an entry: a C-contiguous array of ``ndim`` dimensions."""

    dtype: "np.dtype[Any]"
    ndim: int = 1


class Deferred:
    """Something of numba's that only compiled code uses; it is made when the first function is compiled."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @cached_property
    def value(self) -> Any:
        """The thing itself."""
        return self._make()


class Kernel:
    """A function that compiled code calls. Called from Python (tests do), it is compiled for the arguments at hand."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        update_wrapper(self, function)

    @cached_property
    def dispatcher(self) -> Any:
        """Numba's own object for it."""
        from .compiler import dispatcher_of

        return dispatcher_of(self.py_func)

    @cached_property
    def _called(self) -> Any:
        from .compiler import called_dispatcher_of

        return called_dispatcher_of(self.py_func)

    def __call__(self, *arguments: Any) -> Any:
        return self._called(*arguments)


class Entry:
    """A function that Python calls, compiled for one signature and kept as an object file.

    It takes arrays, the state, a strategy and integers, and returns an int64 or nothing.
    """

    def __init__(self, function: FunctionType, parameters: tuple[Parameter | Array, ...], key: bytes) -> None:
        self.py_func, self.parameters = function, parameters
        self.returns = function.__annotations__["return"] is not None
        self._key = key
        update_wrapper(self, function)

    def load(self) -> None:
        """Link it now, or compile it if the cache does not have it; else the first call does."""
        if COMPILED:
            _ = self._linked

    @cached_property
    def _linked(self) -> Any:
        from .link import Linked, read_object, write_object

        path = self._cache_path()
        code = read_object(path) if path is not None else None
        if code is None:
            from .compiler import compile_entry

            code = compile_entry(self)
            compiled_names.append(f"{self.py_func.__module__}.{self.py_func.__qualname__}")
            if path is not None:
                write_object(path, code)
                remove_unused(time.time())
        elif path is not None:
            mark_used(path, time.time())
        return Linked(code)

    @property
    def is_cached(self) -> bool:
        """Whether the first call finds it compiled."""
        path = self._cache_path()
        return not COMPILED or (path is not None and path.is_file())

    @property
    def address(self) -> int:
        """The address of the machine code: called by compiled code with numba's convention.

        In plain Python it is a number that stands for the function, see `call_at`.
        """
        if not COMPILED:
            _plain_entries[id(self)] = self.py_func
            return id(self)
        address: int = self._linked.address
        return address

    def bind(self, *arguments: Any) -> Callable[[], int]:
        """Return the call with these arguments, ready to be made many times. The arguments live as long as it does."""
        if not COMPILED:
            return partial(self.py_func, *arguments)
        words: list[int] = []
        for parameter, argument in zip(self.parameters, arguments, strict=True):
            words += _words(parameter, argument)
        call: Callable[[], int] = self._linked.bind(words, arguments)
        return call

    def __call__(self, *arguments: Any) -> Any:
        return self.bind(*arguments)()

    def _cache_path(self) -> Path | None:
        """Return the file of the machine code; None if a change of what it depends on could not be noticed."""
        code = self.py_func.__code__
        if not Path(code.co_filename).is_file() or self._key == UNKNOWN:
            return None
        file = Path(code.co_filename).resolve()
        digest = hashlib.blake2b(_bytes_of(code) + self._key, digest_size=6).hexdigest()
        return cache_directory(file) / f"{file.stem}.{self.py_func.__name__}-{digest}.o"


UNKNOWN: Final = b"?"


def code_key(function: Callable[..., Any], facts: str) -> bytes:
    """Return what makes a function made inside another one different from its siblings: code, what it closes over.

    UNKNOWN if it closes over something else than numbers and words.
    """
    function = cast(FunctionType, function)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    if not all(isinstance(value, _CONSTANTS) for value in (*cells, *(function.__defaults__ or ()))):
        return UNKNOWN
    return repr((_bytes_of(function.__code__), cells, function.__defaults__, facts)).encode()


def _bytes_of(code: CodeType) -> bytes:
    """Return the bytes of a function wherever its file lies."""
    return marshal.dumps(_without_place(code))


def _without_place(code: CodeType) -> CodeType:
    constants = tuple(_without_place(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename="", co_consts=constants)


def kernel(function: F) -> F:
    """Compile ``function`` when it is first called, cached on disk. Under NUMBA_DISABLE_JIT=1 it stays plain Python."""
    return cast(F, Kernel(function)) if COMPILED else function


def entry(*parameters: Parameter | Array, key: bytes = b"") -> Callable[[Callable[..., Any]], Entry]:
    """Compile a function for one signature, cached on disk. ``key``: see `code_key`."""
    return lambda function: Entry(cast(FunctionType, function), parameters, key)


def bind(python_class: type, fields: Mapping[str, "np.dtype[Any]"]) -> None:
    """Let instances of ``python_class`` be passed to kernels.

    An instance has a 1-d C-contiguous array per field as attribute, and ``address``: that of an int64 array of
    2 * len(fields) entries, data address and length of each field in the order of ``fields``.
    """
    assert not state_fields
    state_fields.update(fields)
    state_classes.append(python_class)


def as_record(buffer: npt.NDArray[np.uint8], dtype: "np.dtype[np.void]", offset: int) -> np.void:
    """Return the record of ``dtype`` that lies in a byte buffer at ``offset``."""
    record: np.void = buffer[offset : offset + dtype.itemsize].view(dtype)[0]
    return record


def call_strategy(strategy: Callable[[Any], int], state: Any) -> int:
    """Call a STRATEGY: in compiled code by its address, whatever strategy it is."""
    return strategy(state)


_plain_entries: Final[dict[int, FunctionType]] = {}


def call_at(address: int, first: npt.NDArray[Any], second: npt.NDArray[Any]) -> int:
    """Call the entry of two arrays that has this address: the entry must outlive the call."""
    return int(_plain_entries[int(address)](first, second))


def word_count(parameters: Sequence[Parameter | Array]) -> int:
    """Return how many machine words the parameters travel in (numba's data models)."""
    return sum(5 + 2 * one.ndim if isinstance(one, Array) else 1 for one in parameters)


def _words(parameter: Parameter | Array, argument: Any) -> tuple[int, ...]:
    if isinstance(parameter, Array):
        dtype, ndim = parameter.dtype, parameter.ndim
        if argument.dtype != dtype or argument.ndim != ndim or not argument.flags.c_contiguous:
            raise TypeError(
                f"must be a C-contiguous array of {ndim} dimensions and dtype {dtype}, "
                f"was of shape {argument.shape} and {argument.dtype}"
            )
        sizes = (argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides)
        return (0, 0, *sizes)  # borrowed: the caller keeps the array alive
    if parameter in (STATE, STRATEGY):
        return (argument.address,)
    return (int(argument),)
