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
from typing import Annotated, Any, cast, get_origin

import numpy as np

from .._jit import STATE, as_record, code_key, entry, kernel
from ..core.bars.live import bar_count, bar_index
from ..core.bars.spec import BarSpec
from ..core.book import level_lots, level_ticks
from ..core.intents import cancel, cancel_all, market_order, new_order, quote, replace
from ..core.state import MEMORY_BYTES, PARAMS_BYTES, State
from ..model.enums import Side, TimeInForce, Wake
from ..model.errors import StrategyError
from ..model.records import RecordDtype
from .params import StrategyParams

__all__ = [
    "BarSpec", "CompiledStrategy", "Side", "State", "TimeInForce", "Wake", "as_record", "bar_count", "bar_index",
    "cancel", "cancel_all", "compiled_strategy", "kernel", "level_lots", "level_ticks", "market_order", "new_order",
    "quote", "replace",
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
    bars: tuple[BarSpec, ...]


def memory_dtype(memory: type | None) -> RecordDtype:
    """Return the record of a class of annotations: int and bool become int64, float float64.

    ``Annotated[np.void, DTYPE]`` is a record of that dtype, such as the state of an indicator.

    Raises
    ------
    StrategyError : a field of another type, or more than MEMORY_BYTES
    """
    fields: list[tuple[str, np.dtype[Any]]] = []
    for name, kind in ({} if memory is None else memory.__annotations__).items():
        record = _record_of(kind)
        if record is None and kind not in (int, bool, float):
            raise StrategyError(
                f"memory field {name} must be int, bool, float or Annotated[np.void, DTYPE] with a dtype of 8-byte "
                f"numbers, was {kind}"
            )
        fields.append((name, record or np.dtype("f8" if kind is float else "i8")))
    dtype: RecordDtype = np.dtype(fields or [("_", np.dtype("i8"))])
    if dtype.itemsize > MEMORY_BYTES:
        raise StrategyError(f"memory must be at most {MEMORY_BYTES} bytes, was {dtype.itemsize}")
    return dtype


def _record_of(kind: Any) -> RecordDtype | None:
    """Return the dtype that ``Annotated[np.void, DTYPE]`` carries, if its numbers all have 8 bytes."""
    if get_origin(kind) is not Annotated:
        return None
    return next(
        (mark for mark in kind.__metadata__ if isinstance(mark, np.dtype) and _has_words_only(mark)), None
    )


def _has_words_only(dtype: np.dtype[Any]) -> bool:
    if dtype.fields is not None:
        return all(_has_words_only(field[0]) for field in dtype.fields.values())
    return dtype.base in (np.dtype("i8"), np.dtype("f8"))


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
    bars: tuple[BarSpec, ...] = (),
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
            bars=bars,
        )

    return decorate
