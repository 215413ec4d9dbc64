"""Python calls compiled code as a built-in function: results, exceptions and arguments are those of any function."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from trading_platform._jit import INT, Array, entry
from trading_platform._jit.functions import Entry

WORDS = Array(np.dtype(np.int64))
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


@entry(WORDS, INT)
def put(values: Any, value: int) -> int:
    """Store a value and return what was there."""
    if len(values) == 0:
        raise ValueError("nowhere to put it")
    before = values[0]
    values[0] = value
    return before


@entry(WORDS)
def count_up(values: Any) -> None:
    """Count to three and return nothing."""
    if values[0] >= 3:
        raise OverflowError("counted to three")
    values[0] += 1


@pytest.mark.parametrize("value", [0, -1, -2, 1, INT64_MIN, INT64_MAX])
def test_every_int64_goes_in_and_comes_out(value: int) -> None:
    values = np.zeros(1, np.int64)
    assert put(values, value) == 0
    assert put(values, 7) == value


def test_exception_is_raised_where_it_was_and_the_next_call_works() -> None:
    with pytest.raises(ValueError, match="nowhere to put it"):
        put(np.zeros(0, np.int64), 1)
    values = np.zeros(1, np.int64)
    call = count_up.bind(values)
    for _ in range(3):
        call()
    for _ in range(2):
        with pytest.raises(OverflowError, match="counted to three"):
            call()
    assert put(values, 0) == 3
    call()
    assert values[0] == 1


def test_code_that_nobody_uses_any_more_does_no_harm() -> None:
    """LLVM would free the machine that all functions share with the first of them."""
    for value in (1, 2, 3):
        put_it = entry(WORDS, INT)(put.py_func) if isinstance(put, Entry) else put
        values = np.zeros(1, np.int64)
        assert put_it(values, value) == 0
        assert values[0] == value
        del put_it
        gc.collect()


def test_arguments_live_as_long_as_the_bound_call() -> None:
    values = np.zeros(1, np.int64)
    alive = weakref.ref(values)
    call = count_up.bind(values)
    del values
    gc.collect()
    assert alive() is not None
    call()
    assert alive()[0] == 1  # type: ignore[index]
    del call
    gc.collect()
    assert alive() is None
