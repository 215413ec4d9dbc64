"""How the core's state reaches compiled code: as one pointer.

A NamedTuple of arrays would be passed as seven words an array at every call, which costs more than the calls do, at run
time and while compiling. Here a kernel gets the address of a table of (data address, length) pairs, and
``state.orders`` in compiled code is an array made of two loads, which LLVM may move and share: the table never changes
while the state lives.
"""

from typing import Any, Final

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    overload,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array

from .functions import as_record, call_strategy, state_classes, state_fields


class StateType(types.Type):
    """numba's type of the state: there is one, so that all strategies have one signature."""

    def __init__(self) -> None:
        super().__init__(name="trading_platform.State")


STATE: Final = StateType()
_registered: Final[set[type]] = set()


def register_classes() -> None:
    """Let numba know the class of the state, once it was given to `bind`."""
    for python_class in state_classes:
        if python_class not in _registered:
            typeof_impl.register(python_class)(lambda _value, _context: STATE)
            _registered.add(python_class)


@register_model(StateType)
class _StateModel(models.OpaqueModel):
    """One pointer."""


@infer_getattr
class _StateAttributes(AttributeTemplate):
    key = StateType

    def generic_resolve(self, _typ: StateType, attribute: str) -> Any:
        return _array_type(attribute) if attribute in state_fields else None


def _array_type(field: str) -> Any:
    return types.Array(numba.from_dtype(state_fields[field]), 1, "C")


@lower_getattr_generic(StateType)
def _lower_attribute(context: Any, builder: Any, _typ: StateType, value: Any, attribute: str) -> Any:
    place, array_type = list(state_fields).index(attribute), _array_type(attribute)
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
def _as_record(_typing: Any, buffer: Any, dtype: Any, _offset: Any) -> Any:
    record = dtype.dtype

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = context.make_array(buffer)(context, builder, arguments[0]).data
        return builder.bitcast(builder.gep(data, [arguments[2]]), context.get_value_type(record))

    return record(buffer, dtype, types.int64), codegen


@overload(as_record)
def _as_record_overload(buffer, dtype, offset):  # type: ignore[no-untyped-def]  # noqa: ARG001 (numba compares the signatures: no annotations)
    return lambda buffer, dtype, offset: _as_record(buffer, dtype, offset)  # noqa: PLW0108 (same reason)


@intrinsic
def _call_strategy(_typing: Any, address: Any, _state: Any) -> Any:
    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        convention = context.call_conv
        pointer = convention.get_function_type(types.int64, (STATE,)).as_pointer()
        function = builder.inttoptr(arguments[0], pointer)
        status, result = convention.call_function(builder, function, types.int64, (STATE,), [arguments[1]])
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(address, STATE), codegen


@overload(call_strategy)
def _call_strategy_overload(strategy, state):  # type: ignore[no-untyped-def]  # noqa: ARG001 (as above)
    return lambda strategy, state: _call_strategy(strategy, state)  # noqa: PLW0108
