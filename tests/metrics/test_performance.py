"""Formulas against numbers worked out by hand, and None wherever a formula has no value."""

import math

import numpy as np
import pytest

from trading_platform.metrics.performance import (
    YEAR_NS,
    annualised,
    increments,
    max_drawdown,
    sharpe,
    sortino,
)


def test_sharpe_is_mean_over_sample_deviation() -> None:
    # mean 1, deviations -2, 0, 2: variance 8 / 2
    assert sharpe(np.array([-1, 1, 3])) == pytest.approx(1 / 2)


def test_sortino_counts_all_samples_in_the_downside() -> None:
    # mean 0.5, downside sqrt((1 + 0 + 0 + 0) / 4)
    assert sortino(np.array([-1.0, 0.0, 1.0, 2.0])) == pytest.approx(0.5 / 0.5)


@pytest.mark.parametrize("scale", [1, 10, 1e-9])
def test_ratios_do_not_depend_on_the_capital(scale: float) -> None:
    returns = np.array([3.0, -1.0, 4.0, -1.0, 5.0])
    assert sharpe(returns * scale) == pytest.approx(sharpe(returns))
    assert sortino(returns * scale) == pytest.approx(sortino(returns))


def test_ratios_without_a_value_are_none() -> None:
    empty = np.array([], np.int64)
    constant = np.full(1000, 0.1)
    assert sharpe(empty) is None
    assert sharpe(np.array([5])) is None
    assert sharpe(constant) is None
    assert sharpe(np.array([1.0, np.inf, 2.0])) is None
    assert sortino(empty) is None
    assert sortino(np.array([0, 1, 2])) is None
    assert sortino(np.array([-np.inf, 1.0])) is None
    assert annualised(None, 1) is None


def test_missing_samples_are_left_out() -> None:
    with_gap, without = np.array([1.0, np.nan, -2.0, 3.0]), np.array([1.0, -2.0, 3.0])
    assert sharpe(with_gap) == sharpe(without)
    assert sortino(with_gap) == sortino(without)


def test_a_year_of_samples_annualises_by_the_square_root_of_their_number() -> None:
    assert annualised(0.5, YEAR_NS // 100) == pytest.approx(0.5 * math.sqrt(100))
    with pytest.raises(ValueError, match="must be > 0, was 0"):
        annualised(0.5, 0)


def test_drawdown_is_the_worst_fall_after_a_peak() -> None:
    # 9 - 2 within the second peak; the lowest value 1 comes before it
    assert max_drawdown(np.array([5, 1, 9, 4, 2, 8])) == 7
    assert max_drawdown(np.array([1, 2, 3])) == 0
    assert max_drawdown(np.array([], np.int64)) == 0


def test_drawdown_and_increments_agree_on_random_walks() -> None:
    seed = 11
    print(f"seed {seed}")
    equity = np.random.default_rng(seed).integers(-100, 101, 200).cumsum()
    by_hand = max(int(equity[i] - equity[j]) for i in range(200) for j in range(i, 200))
    assert max_drawdown(equity) == by_hand
    assert increments(equity).sum() == equity[-1] - equity[0]


def test_increments_are_exact_integers() -> None:
    equity = np.array([2**62, 2**62 + 1, 2**62 - 1])
    assert increments(equity).tolist() == [1, -2]
