"""numba's side of the compile policy: the only caller of ``numba.njit``. Loaded when something must be compiled."""

import contextlib
import ctypes
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import llvmlite.binding as llvm
import numba
import numba.core.config
from llvmlite import ir
from numba.core import serialize, types
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    _CacheLocator,
    _SourceFileBackedLocatorMixin,
)
from numba.core.compiler_lock import global_compiler_lock
from numba.core.environment import Environment
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.extending import typeof_impl

from . import state_type
from .cache import cache_directory
from .functions import STATE, Array, Deferred, Entry, Kernel, Parameter, compiled_names, word_count
from .kernel_code import CalledCompiler, KernelCompiler, load_kernel
from .link import FIRST_ARGUMENT, RETURNED, ObjectCode, caller_of, target_machine
from .sources import PACKAGE, is_kernel

if numba.core.config.DISABLE_JIT:
    raise RuntimeError(
        "numba's setting DISABLE_JIT must come from the environment (NUMBA_DISABLE_JIT=1), was set elsewhere "
        "(.numba_config.yaml?): plain Python is chosen before numba is loaded"
    )
# Python never calls them as numba would: each wrapper would hold the whole code again
_NO_WRAPPERS: Final = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_ENVIRONMENT: Final = "NumbaEnv"  # in the names of their symbols
_NO_CONSTANTS: Final = Environment({})
_EXCEPTION_RAISED: Final = 1  # codes from here on come with an exception; below are numba's own


@typeof_impl.register(Kernel)
def _type_of_kernel(value: Kernel, _context: Any) -> Any:
    return types.Dispatcher(value.dispatcher)


@typeof_impl.register(Deferred)
def _type_of_deferred(value: Deferred, _context: Any) -> Any:
    made = value.value
    cpu_target.typing_context.refresh()  # it may be new to numba
    cpu_target.target_context.refresh()
    return cpu_target.typing_context.resolve_value_type(made)


class CacheLocator(_SourceFileBackedLocatorMixin, _CacheLocator):
    """Where numba looks for the compiled form of a function: a directory named by the hash of all it depends on."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._directory = cache_directory(Path(py_file).resolve())

    def get_cache_path(self) -> str:
        """Return the directory."""
        return str(self._directory)

    def ensure_cache_path(self) -> None:
        """Create the directory if possible: numba's own test for writing would refuse a warmed read-only cache."""
        with contextlib.suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        """Return a constant: the directory's name already holds the hash of the sources."""
        return "hashed"


class _CalledLocator(CacheLocator):
    """For kernels that Python calls: machine code beside the intermediate code of the same functions."""

    def get_cache_path(self) -> str:
        """Return the directory."""
        return str(self._directory / "called")


class _KernelFiles(CompileResultCacheImpl):
    _locator_classes: ClassVar[list[type]] = [CacheLocator]

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """Return a kernel that was in the cache."""
        return load_kernel(target_context, payload)


class _CalledFiles(CompileResultCacheImpl):
    _locator_classes: ClassVar[list[type]] = [_CalledLocator]


class KernelCache(FunctionCache):
    """numba's cache with our locator. Notes what had to be compiled; a read-only directory is no error."""

    _impl_class = _KernelFiles

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store a freshly compiled function."""
        compiled_names.append(f"{self._py_func.__module__}.{self._py_func.__qualname__}")
        with contextlib.suppress(
            OSError
        ):  # read-only or full: compiled code still runs, the next process compiles again
            super().save_overload(sig, data)


class CalledCache(KernelCache):
    """The same for kernels that Python calls."""

    _impl_class = _CalledFiles


def dispatcher_of(function: Callable[..., Any]) -> Any:
    """Return numba's dispatcher of a kernel for compiled code that calls it, cached on disk."""
    file = Path(function.__code__.co_filename)
    state_type.register_classes()
    # calls between the core's small functions cost as much as what they do, so they are inlined
    inlined = is_kernel(file.resolve())
    options = _NO_WRAPPERS | {"_nrt": _allocates(file), "pipeline_class": KernelCompiler}
    dispatcher: Any = numba.njit(forceinline=inlined, **options)(function)
    dispatcher.get_call_template = _templates(function, dispatcher.get_call_template)
    if file.is_file():
        dispatcher._cache = KernelCache(function)
    return dispatcher


def called_dispatcher_of(function: Callable[..., Any]) -> Any:
    """Return numba's dispatcher of a kernel that Python calls, cached on disk."""
    file = Path(function.__code__.co_filename)
    state_type.register_classes()
    dispatcher: Any = numba.njit(_nrt=_allocates(file), pipeline_class=CalledCompiler)(function)
    if file.is_file():
        dispatcher._cache = CalledCache(function)
    return dispatcher


def _unliteral(kind: Any) -> Any:
    return getattr(types, "unliteral")(kind)  # noqa: B009 (numba's __init__ does not export it for mypy)


def _allocates(file: Path) -> bool:
    """Tell whether functions of a file may make arrays, whose references are counted: none of this package does."""
    return PACKAGE not in file.resolve().parents


def _templates(function: Callable[..., Any], get_call_template: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel once for all integers: numba would do it anew for every constant it is called with.

    A kernel of the core takes no float: stored in a field of integers it would be cut without a word. Indicators do:
    their records hold floats.
    """
    names = list(inspect.signature(function).parameters)
    is_core = function.__module__.startswith(f"{PACKAGE.name}.core.")
    is_core = is_core and not function.__module__.startswith(f"{PACKAGE.name}.core.indicators.")

    def template(args: Any, kws: Any) -> Any:
        plain = tuple(_unliteral(kind) for kind in args)
        named = {name: _unliteral(kind) for name, kind in dict(kws).items()}
        if is_core:
            for name, kind in [*zip(names, plain, strict=False), *named.items()]:
                if isinstance(kind, types.Float):
                    raise TypingError(f"{name} of {function.__name__} must be an integer, was {kind}")
        return get_call_template(plain, named)

    return template


def compile_entry(entry: Entry) -> ObjectCode:
    """Compile an entry for its signature."""
    function = entry.py_func
    state_type.register_classes()
    options = _NO_WRAPPERS | {"_nrt": _allocates(Path(function.__code__.co_filename))}
    dispatcher: Any = numba.njit(**options)(function)
    arguments = tuple(_numba_type(parameter) for parameter in entry.parameters)
    with global_compiler_lock:
        compiled = dispatcher._compiler.compile(arguments, types.int64 if entry.returns else types.void)
    library = compiled.library
    needed = [each.name for each in library._final_module.functions if each.is_declaration]
    runtime = any(name.startswith(("NRT_", "numba_", "nrt_", "Py", "_Py")) for name in needed)
    environments = tuple(
        each.name for each in library._final_module.global_variables if _ENVIRONMENT in each.name
    )
    symbol = compiled.fndesc.llvm_func_name
    caller = _caller(symbol, word_count(entry.parameters))
    return ObjectCode(symbol, runtime, environments, library._get_compiled_object(), caller)


def _caller(symbol: str, count: int) -> bytes:
    """Compile what Python calls: a built-in function of the address of the words of a call to ``symbol``.

    It returns the result. If an exception was raised, it puts the status in place of the result and calls what it is
    bound to with the address. numba's convention: status f(result *, exception **, arguments ...).
    """
    word, status, module = ir.IntType(64), ir.IntType(32), ir.Module()
    reference = ir.IntType(8).as_pointer()
    function = ir.Function(module, ir.FunctionType(status, [word] * (FIRST_ARGUMENT + count)), symbol)
    int_of = ir.Function(module, ir.FunctionType(word, [reference]), "PyLong_AsLongLong")
    object_of = ir.Function(module, ir.FunctionType(reference, [word]), "PyLong_FromLongLong")
    call_with = ir.Function(module, ir.FunctionType(reference, [reference, reference]), "PyObject_CallOneArg")
    caller = ir.Function(module, ir.FunctionType(reference, [reference, reference]), caller_of(symbol))
    builder = ir.IRBuilder(caller.append_basic_block())
    bound_to, address = caller.args
    pointer = builder.inttoptr(builder.call(int_of, [address]), word.as_pointer())
    places = [builder.gep(pointer, [ir.Constant(word, place)]) for place in range(FIRST_ARGUMENT + count)]
    results = [builder.ptrtoint(place, word) for place in places[:FIRST_ARGUMENT]]
    arguments = [builder.load(place) for place in places[FIRST_ARGUMENT:]]
    ended = builder.call(function, [*results, *arguments])
    is_good = [builder.icmp_signed("==", ended, ir.Constant(status, code)) for code in RETURNED]
    with builder.if_then(builder.not_(builder.or_(*is_good)), likely=False):
        builder.store(builder.sext(ended, word), places[0])
        builder.ret(builder.call(call_with, [bound_to, address]))
    builder.ret(builder.call(object_of, [builder.load(places[0])]))
    return bytes(target_machine().emit_object(llvm.parse_assembly(str(module))))


def _numba_type(parameter: Parameter | Array) -> Any:
    if isinstance(parameter, Array):
        return types.Array(numba.from_dtype(parameter.dtype), parameter.ndim, "C")
    if parameter == STATE:
        return state_type.STATE
    return types.int64


def load_runtime() -> None:
    """Let LLVM find the functions of numba's runtime."""
    from numba.core.runtime import rtsys

    rtsys.initialize(cpu_target.target_context)


class _Fault(ctypes.Structure):
    """What a compiled function leaves of an exception (numba/core/callconv.py, excinfo_t)."""

    _fields_: ClassVar = [
        ("pickled", ctypes.c_void_p),
        ("size", ctypes.c_int32),
        ("values", ctypes.c_void_p),
        ("unpack", ctypes.c_void_p),
        ("value_count", ctypes.c_int32),
    ]


def raise_exception(status: int, address: int | None, environments: Sequence[int]) -> NoReturn:
    """Raise in Python what a compiled function raised; ``environments`` are addresses of pointers, null until now."""
    if status < _EXCEPTION_RAISED or not address:
        raise SystemError(f"compiled code ended with status {status}")
    fault = _Fault.from_address(address)
    pickled = ctypes.string_at(fault.pickled, fault.size)
    if fault.value_count > 0:
        for pointer in environments:
            if pointer:
                ctypes.c_void_p.from_address(pointer).value = id(_NO_CONSTANTS)
        values = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(fault.unpack)(fault.values)
        kind, arguments, place = serialize.runtime_build_excinfo_struct(pickled, values)
    else:
        kind, arguments, place = serialize.loads(pickled)
    error = kind(*(arguments or ())) if isinstance(kind, type) else kind
    if place is not None:  # raised again at its line, so that a traceback tells it
        name, file, line = place
        code = compile("\n" * (line - 1) + "raise error", file, "exec").replace(co_name=name)
        exec(code, {"error": error})  # noqa: S102 (our own words)
    raise error
