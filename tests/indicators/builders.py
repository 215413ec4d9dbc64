"""Series by seed."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def walk(count: int, seed: int) -> Floats:
    """Return prices near 60,000 that move by about 0.1 % a step."""
    print(f"walk: seed {seed}, {count} values")
    steps = np.random.default_rng(seed).normal(0, 1e-3, count)
    prices: Floats = 60_000 * np.exp(np.cumsum(steps))
    return prices


def bars(count: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return high, low and close."""
    random, close = np.random.default_rng(seed + 1), walk(count, seed)
    return close + random.exponential(20, count), close - random.exponential(20, count), close


def trades(count: int, seed: int) -> tuple[Ints, Ints, Ints]:
    """Return prices [ticks], quantities [lots] and sides."""
    random = np.random.default_rng(seed + 2)
    prices = (walk(count, seed) * 10).astype(np.int64)
    return prices, random.integers(1, 400, count), random.choice(np.array([-1, 1]), count)
