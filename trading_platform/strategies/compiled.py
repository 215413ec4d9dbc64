"""Compiled strategies: one function over the core's state, compiled alone, run by a runner that was compiled once.

All of them have one signature, ``int64(State)``, so the runner calls any of them by its address. The entry is generated
into the strategy's own module under its file name, which says where its machine code is kept.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, cast

import numpy as np

from .._jit import STATE, as_record, code_key, entry, kernel
from ..core.book import level_lots, level_ticks
from ..core.intents import cancel, cancel_all, market_order, new_order, quote, replace
from ..core.state import MEMORY_BYTES, PARAMS_BYTES, State
from ..model.enums import Side, TimeInForce, Wake
from ..model.errors import StrategyError
from ..model.records import RecordDtype
from .params import StrategyParams

__all__ = [
    "CompiledStrategy", "Side", "State", "TimeInForce", "Wake", "as_record", "cancel", "cancel_all",
    "compiled_strategy", "kernel", "level_lots", "level_ticks", "market_order", "new_order", "quote", "replace",
]  # fmt: skip


@dataclass(frozen=True)
class CompiledStrategy:
    """A compiled strategy and what it declares; the attributes mean what they mean in base.Strategy."""

    name: str
    doc: str  # the docstring of the function
    body: FunctionType  # what was decorated, as plain Python
    entry: Callable[[State], int]  # compiled: an Entry
    Params: type[StrategyParams]
    memory: RecordDtype
    wake: Wake
    interval_ns: int
    book_levels: int
    trades_capacity: int
    levels_per_side: int


def memory_dtype(memory: type | None) -> RecordDtype:
    """Return the record of a class of annotations: int and bool become int64, float float64.

    Raises
    ------
    StrategyError : a field of another type, or more than MEMORY_BYTES
    """
    fields = []
    for name, kind in ({} if memory is None else memory.__annotations__).items():
        if kind not in (int, bool, float):
            raise StrategyError(f"memory field {name} must be int, bool or float, was {kind}")
        fields.append((name, "f8" if kind is float else "i8"))
    dtype = np.dtype(fields or [("_", "i8")])
    if dtype.itemsize > MEMORY_BYTES:
        raise StrategyError(f"memory must be at most {MEMORY_BYTES} bytes, was {dtype.itemsize}")
    return dtype


def _refuse_return(body: Callable[..., None]) -> None:
    """Refuse a body that returns a value: nobody reads it, and its writer thinks that it asks for orders.

    Raises
    ------
    StrategyError : names the line
    """
    lines, first = inspect.getsourcelines(body)
    pending: list[ast.AST] = list(ast.parse(textwrap.dedent("".join(lines))).body[0].body)  # type: ignore[attr-defined]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            continue  # a helper inside it may
        if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            place = f"{body.__code__.co_filename}:{first + node.lineno - 1}"
            raise StrategyError(
                f"{place}: {body.__name__} must return None, returned a value: ask for orders with quote, new_order, "
                "replace or cancel"
            )
        pending.extend(ast.iter_child_nodes(node))


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def compiled_strategy(
    params: type[StrategyParams],
    memory: type | None = None,
    *,
    wake: Wake = Wake.FEED | Wake.ORDERS,
    interval_ns: int = 0,
    book_levels: int = 0,
    trades_capacity: int = 0,
    levels_per_side: int = 16,
) -> Callable[[Callable[[State, Any, Any], None]], CompiledStrategy]:
    """Compile ``body(state, params, memory)``: it reads the records of the state and asks through core.intents.

    ``params`` is the record of the params model (integers), ``memory`` one that keeps its values between calls and
    starts as zeros.
    """

    def decorate(body: Callable[[State, Any, Any], None]) -> CompiledStrategy:
        space, name = body.__globals__, body.__name__
        kept = memory_dtype(memory)
        record = params.record_dtype()
        if record.itemsize > PARAMS_BYTES:
            raise StrategyError(
                f"params of {name} must be at most {PARAMS_BYTES} bytes, was {record.itemsize}"
            )
        space |= {
            f"_body_{name}": kernel(body),
            f"_params_{name}": record,
            f"_memory_{name}": kept,
            "_as_record": as_record,
        }
        source = (
            f"def _entry_{name}(state) -> int:\n"
            f"    _body_{name}(\n"
            f"        state,\n"
            f"        _as_record(state.strategy, _params_{name}, 0),\n"
            f"        _as_record(state.strategy, _memory_{name}, {PARAMS_BYTES}),\n"
            f"    )\n"
            f"    return 0\n"
        )
        exec(compile(source, body.__code__.co_filename, "exec"), space)  # noqa: S102 (our own source, see above)
        key = code_key(body, repr((record.descr, kept.descr)))
        compiled = entry(STATE, key=key)(space[f"_entry_{name}"])
        compiled.load()
        _refuse_return(body)  # after what the compiler says
        return CompiledStrategy(
            name=name,
            doc=body.__doc__ or "",
            body=cast(FunctionType, body),
            entry=compiled,
            Params=params,
            memory=kept,
            wake=wake,
            interval_ns=interval_ns,
            book_levels=book_levels,
            trades_capacity=trades_capacity,
            levels_per_side=levels_per_side,
        )

    return decorate
