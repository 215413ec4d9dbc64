"""The decorator of compiled strategies: what it declares, and what it refuses."""

from typing import Annotated, Any

import numpy as np
import pytest

from trading_platform.core.indicators.averages import EWMA
from trading_platform.core.state import MEMORY_BYTES, PARAMS_BYTES
from trading_platform.model.enums import Wake
from trading_platform.model.errors import StrategyError
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.compiled import as_record, compiled_strategy, memory_dtype
from trading_platform.strategies.grid_maker import GridMakerParams, grid_maker
from trading_platform.strategies.params import StrategyParams
from trading_platform.strategies.touch_maker import TouchMaker, TouchMakerParams, touch_maker

NARROW = np.dtype([("count", "i4"), ("mean", "f8")])


def memory_of(**annotations: Any) -> type:
    return type("Memory", (), {"__annotations__": annotations})


def test_declaration_is_kept() -> None:
    assert touch_maker.Params is TouchMakerParams
    assert touch_maker.wake == Wake.FEED | Wake.ORDERS == TouchMaker.wake
    assert grid_maker.Params is GridMakerParams
    assert grid_maker.wake == Wake.TOUCH | Wake.ORDERS


def test_both_forms_default_to_the_same_declaration() -> None:
    for name in ("interval_ns", "book_levels", "trades_capacity", "levels_per_side", "bars"):
        assert getattr(touch_maker, name) == getattr(Strategy, name)


def test_memory_is_a_record_of_the_annotations() -> None:
    dtype = memory_dtype(memory_of(count=int, mean=float, armed=bool))

    assert [(name, dtype[name].str) for name in dtype.names or ()] == [
        ("count", "<i8"),
        ("mean", "<f8"),
        ("armed", "<i8"),
    ]
    assert memory_dtype(None).itemsize == 8


@pytest.mark.parametrize("kind", [str, list, "int", np.int64, Annotated[np.void, NARROW], Annotated[int, 8]])
def test_memory_of_another_type_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(StrategyError, match="memory field odd must be int, bool, float or Annotated"):
        memory_dtype(memory_of(odd=kind))


def test_memory_and_params_that_do_not_fit_are_refused_with_both_sizes() -> None:
    fields = {f"field_{number}": int for number in range(MEMORY_BYTES // 8 + 1)}
    with pytest.raises(StrategyError, match=f"at most {MEMORY_BYTES} bytes, was {MEMORY_BYTES + 8}"):
        memory_dtype(memory_of(**fields))

    count = PARAMS_BYTES // 8 + 1
    large = type("Large", (StrategyParams,), {"__annotations__": {f"field_{n}": int for n in range(count)}})
    with pytest.raises(
        StrategyError, match=f"params of body must be at most {PARAMS_BYTES} bytes, was {8 * count}"
    ):

        @compiled_strategy(large)
        def body(state: Any, params: Any, memory: Any) -> None: ...


def test_record_over_bytes_reads_and_writes_in_place() -> None:
    dtype = np.dtype([("a", "i8"), ("b", "f8")])
    buffer = np.zeros(64, np.uint8)
    record = as_record(buffer, dtype, 16)
    record["a"], record["b"] = -5, 0.25

    assert buffer[16:32].view(dtype)[0].tolist() == (-5, 0.25)
    assert buffer[:16].sum() == buffer[32:].sum() == 0


def test_memory_can_hold_the_records_of_indicators() -> None:
    class Kept:
        calls: int
        trend: Annotated[np.void, EWMA]

    assert memory_dtype(Kept) == np.dtype([("calls", "i8"), ("trend", EWMA)])
