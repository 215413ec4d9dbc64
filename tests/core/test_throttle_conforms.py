"""In any window of length T at most burst + T / interval requests pass, and no fewer if they are asked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform._jit import COMPILED
from trading_platform.core.state import State, new_state
from trading_platform.core.throttle import CANCELS, ORDERS, is_ready, ready_ns, take

pytestmark = pytest.mark.skipif(COMPILED, reason="plain kernels run in the NUMBA_DISABLE_JIT=1 pass")
START_NS = 1_723_075_200 * 10**9


def throttled(interval_ns: int, burst: int) -> State:
    state = new_state(levels_per_side=1)
    state.session[0]["now_ns"] = START_NS
    state.throttles[ORDERS]["interval_ns"] = interval_ns
    state.throttles[ORDERS]["tolerance_ns"] = (burst - 1) * interval_ns
    return state


def send_if_ready(state: State) -> bool:
    ready: Any = is_ready(state, ORDERS)
    if ready:
        take(state, ORDERS)
    return bool(ready)


GAPS = st.lists(st.integers(0, 25), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(gaps=GAPS, interval_ns=st.integers(1, 10), burst=st.integers(1, 5))
def test_no_window_holds_more_than_burst_plus_rate(gaps: list[int], interval_ns: int, burst: int) -> None:
    state = throttled(interval_ns, burst)
    sent: list[int] = []
    for gap in gaps:
        state.session[0]["now_ns"] += gap
        now_ns = int(state.session[0]["now_ns"])
        while send_if_ready(state):
            sent.append(now_ns)
    for first, start_ns in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + (sent[last] - start_ns) // interval_ns


@settings(max_examples=200, deadline=None)
@given(gaps=GAPS, interval_ns=st.integers(1, 10), burst=st.integers(1, 5))
def test_it_is_a_token_bucket(gaps: list[int], interval_ns: int, burst: int) -> None:
    """The same decisions as a bucket of ``burst`` tokens that earns one per interval."""
    state, level = throttled(interval_ns, burst), burst * interval_ns
    for gap in gaps:
        state.session[0]["now_ns"] += gap
        level = min(burst * interval_ns, level + gap)
        assert send_if_ready(state) == (level >= interval_ns)
        if level >= interval_ns:
            level -= interval_ns


def test_interval_zero_is_unlimited() -> None:
    state = throttled(0, 1)
    assert all(send_if_ready(state) for _ in range(1000))


def test_ready_time_is_the_first_at_which_it_conforms() -> None:
    state = throttled(7, 3)
    while send_if_ready(state):
        pass
    when = ready_ns(state, ORDERS)
    state.session[0]["now_ns"] = when - 1
    assert not is_ready(state, ORDERS)
    state.session[0]["now_ns"] = when
    assert is_ready(state, ORDERS)


def test_orders_and_cancels_do_not_share_tokens() -> None:
    state = throttled(10, 1)
    while send_if_ready(state):
        pass
    assert is_ready(state, CANCELS)
