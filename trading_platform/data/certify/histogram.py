"""Histograms of int64 values in constant memory: 128 steps per power of two, so within 0.8 % of a value.

The layout is that of HdrHistogram (Tene, https://hdrhistogram.github.io/HdrHistogram/): values below 256 are exact,
above that a bucket is the value without its low bits. Row 0 holds values >= 0, row 1 the negative ones by magnitude.
"""

import math
from typing import Final

import numpy as np

from ..._jit import kernel
from ..events import IntArray

STEP_BITS: Final = 7
STEPS: Final = 1 << STEP_BITS
BUCKETS: Final = STEPS * (64 - STEP_BITS)


def new_histogram() -> IntArray:
    """Return an empty histogram: shape (2, BUCKETS), int64."""
    return np.zeros((2, BUCKETS), np.int64)


@kernel
def bucket_of(value: int) -> int:
    """Return the bucket of a value >= 0."""
    if value < 2 * STEPS:
        return value
    shift = math.frexp(float(value))[1] - STEP_BITS - 1
    return min(BUCKETS - 1, shift * STEPS + (value >> shift))


@kernel
def count_value(histogram: IntArray, value: int) -> None:
    """Count one value."""
    if value >= 0:
        histogram[0, bucket_of(value)] += 1
    else:
        histogram[1, bucket_of(-value)] += 1


def bucket_floor(bucket: int) -> int:
    """Return the smallest value of a bucket."""
    if bucket < 2 * STEPS:
        return bucket
    shift = bucket // STEPS - 1
    return (bucket - shift * STEPS) << shift


def percentile(histogram: IntArray, permille: int) -> int | None:
    """Return the value below or at which ``permille`` of 1000 of the counted ones lie; None if nothing was counted.

    The answer is the end of its bucket that is nearer to 0: at most 0.8 % off.
    """
    counts = np.concatenate([histogram[1, ::-1], histogram[0]])
    total = int(counts.sum())
    if total == 0:
        return None
    rank = max(1, -(-total * permille // 1000))
    at = int(np.searchsorted(np.cumsum(counts), rank))
    return -bucket_floor(BUCKETS - 1 - at) if at < BUCKETS else bucket_floor(at - BUCKETS)
