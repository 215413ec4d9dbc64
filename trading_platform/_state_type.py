"""How the core's state reaches compiled code: as one pointer.

A NamedTuple of arrays would be passed as seven words an array at every call, which costs more than the calls do, at run
time and while compiling. Here a kernel gets the address of a table of (data address, length) pairs, and
``state.orders`` in compiled code is an array made of two loads, which LLVM may move and share: the table never changes
while the state lives.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array

ArrayDtypes = Mapping[str, "np.dtype[Any]"]
_FIELDS: Final[dict[str, tuple[int, Any]]] = {}  # field -> (place in the table, numba array type)


class StateType(types.Type):
    """numba's type of the state: there is one, so that all strategies have one signature."""

    def __init__(self) -> None:
        super().__init__(name="trading_platform.State")


STATE: Final = StateType()


def bind(python_class: type, fields: ArrayDtypes) -> None:
    """Let instances of ``python_class`` be passed to kernels.

    An instance has a 1-d C-contiguous array per field as attribute, and ``address``: that of an int64 array of
    2 * len(fields) entries, data address and length of each field in the order of ``fields``.
    """
    assert not _FIELDS
    for place, (name, dtype) in enumerate(fields.items()):
        _FIELDS[name] = (place, types.Array(numba.from_dtype(dtype), 1, "C"))
    typeof_impl.register(python_class)(lambda _value, _context: STATE)


@register_model(StateType)
class _StateModel(models.OpaqueModel):
    """One pointer."""


@infer_getattr
class _StateAttributes(AttributeTemplate):
    key = StateType

    def generic_resolve(self, _typ: StateType, attribute: str) -> Any:
        return _FIELDS[attribute][1] if attribute in _FIELDS else None


@lower_getattr_generic(StateType)
def _lower_attribute(context: Any, builder: Any, _typ: StateType, value: Any, attribute: str) -> Any:
    place, array_type = _FIELDS[attribute]
    word = ir.IntType(64)
    table = builder.bitcast(value, word.as_pointer())
    invariant = builder.module.add_metadata([])

    def load(index: int) -> Any:
        loaded = builder.load(builder.gep(table, [ir.Constant(word, index)]))
        loaded.set_metadata("invariant.load", invariant)
        return loaded

    data_type = context.get_data_type(array_type.dtype)
    itemsize = context.get_abi_sizeof(data_type)
    array = make_array(array_type)(context, builder)
    populate_array(
        array,
        data=builder.inttoptr(load(2 * place), data_type.as_pointer()),
        shape=[load(2 * place + 1)],
        strides=[ir.Constant(word, itemsize)],
        itemsize=ir.Constant(word, itemsize),
        meminfo=None,  # borrowed: the Python object keeps the arrays alive
    )
    return array._getvalue()


@unbox(StateType)
def _unbox(_typ: StateType, obj: Any, c: Any) -> Any:
    address = c.pyapi.object_getattr_string(obj, "address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return NativeValue(pointer)


@intrinsic
def state_at(_typing: Any, address: Any) -> Any:
    """Return the state whose ``address`` this is (compiled code only).

    A caller that passes integers spares itself 5 us a call: numba knows no fast way to look up the type of our class.
    """

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(STATE))

    return STATE(address), codegen


PLAIN_FUNCTIONS: Final[dict[int, Callable[..., int]]] = {}  # under NUMBA_DISABLE_JIT=1: "address" -> function

if numba.core.config.DISABLE_JIT:

    def call_at(address: int, first: Any, second: Any) -> int:
        """Return what the function at ``address`` (see `address_of`) returns for two records."""
        return int(PLAIN_FUNCTIONS[int(address)](first, second))

else:

    @intrinsic
    def call_at(_typing: Any, address: Any, first: Any, second: Any) -> Any:
        """Return what the function at ``address`` (see `address_of`) returns for two records (compiled code only)."""

        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            kinds = [context.get_value_type(record) for record in (first, second)]
            function = ir.FunctionType(context.get_value_type(types.int64), kinds).as_pointer()
            return builder.call(builder.inttoptr(arguments[0], function), arguments[1:])

        return types.int64(address, first, second), codegen


def address_of(function: Any, signature: Any) -> int:
    """Return the address at which `call_at` finds a compiled function, which must outlive its use.

    Under NUMBA_DISABLE_JIT=1 it is a number that stands for the function.
    """
    if numba.core.config.DISABLE_JIT:
        PLAIN_FUNCTIONS[id(function)] = function
        return id(function)
    compiled = function.get_compile_result(signature)
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))


@intrinsic
def records_at(_typing: Any, address: Any, length: Any, dtype: Any) -> Any:
    """Return the 1-d array of ``length`` records that lies at ``address`` (compiled code only)."""
    array_type = types.Array(dtype.dtype, 1, "C")

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        data_type = context.get_data_type(dtype.dtype)
        itemsize = ir.Constant(word, context.get_abi_sizeof(data_type))
        array = make_array(array_type)(context, builder)
        populate_array(
            array,
            data=builder.inttoptr(arguments[0], data_type.as_pointer()),
            shape=[arguments[1]],
            strides=[itemsize],
            itemsize=itemsize,
            meminfo=None,
        )
        return array._getvalue()

    return array_type(address, length, dtype), codegen
