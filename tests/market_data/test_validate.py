"""Every rule of the validation refuses its fault, and says where."""

from decimal import Decimal
from typing import Final

import numpy as np
import pytest

from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.validate import LOTS_MAX, DataFacts, validate_events
from trading_platform.model.errors import DataError
from trading_platform.model.records import TICKS_MAX

from .builders import BOTH, T0_NS, rows_of, small_market

TICK: Final = Decimal("0.1")
LOT: Final = Decimal("0.001")


def check(*arrays: EventArray) -> DataFacts:
    return validate_events(arrays, [f"file{number}" for number in range(len(arrays))], TICK, LOT)


def test_facts_of_a_valid_market() -> None:
    opening = rows_of((DEPTH_SNAPSHOT | BUY_FLAG | BOTH, T0_NS - 2, T0_NS - 1, 59_999.9, 1.0))
    market = small_market(6)

    facts = check(opening, market)

    assert facts == DataFacts(
        rows=7,
        local_rows=7,
        exch_rows=7,
        first_local_ns=T0_NS - 1,
        last_local_ns=T0_NS + 7_000_000,
        trade_count=2,
        traded_min_ticks=600_021,
        traded_max_ticks=600_021,
        price_max_ticks=600_021,
        snapshot_rows=1,
        first_snapshot_row=0,
    )
    assert facts.has_snapshot
    assert not check(market).has_snapshot


def test_a_market_without_trades_has_no_traded_range() -> None:
    facts = check(small_market(2))

    assert (facts.trade_count, facts.traded_min_ticks, facts.traded_max_ticks) == (0, 0, 0)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("ev", 5 | BUY_FLAG | BOTH, r"kind .* was 5"),
        ("ev", 10 | BUY_FLAG | BOTH, r"kind .* was 10"),
        ("ev", DEPTH | BUY_FLAG, "flag EXCH"),
        ("ev", DEPTH | BOTH, "one of the flags BUY"),
        ("ev", TRADE | BOTH | BUY_FLAG | SELL_FLAG, "one of the flags BUY"),
        ("exch_ts", 0, r"exch_ts must be 1 to 2\^62 ns, was 0"),
        ("exch_ts", T0_NS - 1, "exch_ts must not fall"),
        ("local_ts", -5, r"local_ts must be 1 to 2\^62 ns, was -5"),
        ("local_ts", (1 << 62) + 1, r"local_ts must be 1 to 2\^62 ns"),
        ("local_ts", T0_NS + 4_999_999, "local_ts must not fall"),
        ("exch_ts", T0_NS + 6_000_000, r"feed latency .* must be > 0 ns, was 0"),
        ("px", float("nan"), "price must be finite, was nan"),
        ("px", float("inf"), "price must be finite, was inf"),
        ("px", -0.1, r"price must be >= 0.1, was -0.1"),
        ("px", 0.0, r"price must be >= 0.1, was 0.0"),
        ("px", 60_000.15, r"price must be a multiple of 0.1, was 60000.15"),
        ("px", 60_000.1 + 2e-7, "price must be a multiple"),
        ("px", float(TICKS_MAX), "price must be at most"),
        ("qty", float("nan"), "quantity must be finite"),
        ("qty", -0.001, r"quantity must be >= 0.000, was -0.001"),
        ("qty", 0.0005, "quantity must be a multiple of 0.001"),
        ("qty", float(LOTS_MAX), "quantity must be at most"),
    ],
)
def test_a_broken_row_is_named_with_file_row_and_value(field: str, value: float, rule: str) -> None:
    market = small_market(8)
    market[4][field] = value

    with pytest.raises(DataError, match=rule) as caught:
        check(market)
    assert "file0: row 4:" in str(caught.value)


def test_order_of_time_holds_across_files() -> None:
    market = small_market(6)
    check(market[:3], market[3:])

    with pytest.raises(DataError, match=r"file1: row 0: exch_ts must not fall"):
        check(market[3:], market[:3])


def test_each_clock_is_checked_on_its_own_rows_only() -> None:
    late = (DEPTH | BUY_FLAG, T0_NS + 1, T0_NS + 900, 60_000.0, 1.0)
    young = (TRADE | BUY_FLAG, T0_NS + 500, T0_NS + 600, 60_000.0, 1.0)
    rows = [
        (late[0] | EXCH_FLAG, *late[1:]),
        (young[0] | BOTH, *young[1:]),
        (late[0] | LOCAL_FLAG, *late[1:]),
    ]

    assert check(rows_of(*rows)).local_rows == 2
    with pytest.raises(DataError, match="row 2: exch_ts must not fall"):
        check(rows_of(*rows[:2], (late[0] | BOTH, *late[1:])))


def test_latency_of_a_row_that_is_not_local_does_not_count() -> None:
    market = small_market(3)
    market[0]["ev"] = DEPTH | BUY_FLAG | EXCH_FLAG
    market[0]["local_ts"] = 1

    assert check(market).local_rows == 2


def test_a_clear_of_both_sides_needs_neither_side_nor_price() -> None:
    clear = rows_of((DEPTH_CLEAR | BOTH, T0_NS - 2, T0_NS - 1, 0.0, 0.0))
    check(clear, small_market(3))

    clear["ev"] |= np.uint64(BUY_FLAG)
    with pytest.raises(DataError, match=r"price must be >= 0\.1"):
        check(clear, small_market(3))


def test_float64_noise_of_decimals_is_on_the_grid() -> None:
    """600001 * 0.1 is not 60000.1, and large quantities have no digits left for a millionth of a lot."""
    market = small_market(3)
    market["px"] = [600_001 * 0.1, 0.1 + 0.2, 123_456.7]
    market["qty"] = [1e8 + 0.001, 0.1 + 0.2, 0.0]

    check(market)


def test_one_sided_data_is_refused() -> None:
    market = small_market(3)
    market["ev"] &= np.uint64(~LOCAL_FLAG & 0xFFFFFFFF)

    with pytest.raises(DataError, match="must hold EXCH and LOCAL rows, held 3 and 0"):
        check(market)


def test_wrong_arrays_names_and_grids_are_refused() -> None:
    market = small_market(6)
    for bad in (np.zeros(3), market[:0], market.reshape(2, 3), market[::2]):
        with pytest.raises(DataError, match="C-contiguous one-dimensional array of event_dtype"):
            check(bad)
    with pytest.raises(DataError, match="files must be one or more"):
        validate_events([], [], TICK, LOT)
    with pytest.raises(DataError, match="files must be one or more"):
        validate_events([market], [], TICK, LOT)
    for tick, lot in ((Decimal(0), LOT), (TICK, Decimal("NaN"))):
        with pytest.raises(DataError, match="must be > 0"):
            validate_events([market], ["a"], tick, lot)


def test_rows_are_not_changed() -> None:
    market = small_market(6)
    before = market.tobytes()
    check(market)

    assert market.tobytes() == before
    assert market.flags.writeable
