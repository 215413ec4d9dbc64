"""Exact conversion to the core's records, and the bounds that keep int64 from overflowing."""

from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.config.risk import VenuePolicy
from trading_platform.config.run import check_bounds
from trading_platform.config.venue import EngineConfig
from trading_platform.model.enums import PostOnlyMode, ReplacePolicy
from trading_platform.model.errors import ConfigError
from trading_platform.model.instrument import TAKER_SWEEPS
from trading_platform.model.records import LOSS_BUCKETS, NEVER, ORDER_LOTS_MAX, TICKS_MAX

from .builders import INVERSE, changed, errors

STEPS = st.sampled_from(["0.1", "0.001", "0.00001", "0.5", "0.25", "1", "10"])


@settings(deadline=None)  # other work on the machine must not fail a test
@given(STEPS, st.integers(1, ORDER_LOTS_MAX))
def test_a_position_on_the_grid_is_exactly_its_lots(step: str, lots: int) -> None:
    config = changed(
        {
            "engine.instrument.lot_size": step,
            "engine.instrument.tick_size": "0.01",
            "risk.position_limits.max_position": str(lots * Decimal(step)),
        }
    )

    assert config.risk.to_record(config.instrument)["position_lots_max"] == lots


@settings(deadline=None)  # other work on the machine must not fail a test
@given(STEPS, st.integers(1, TICKS_MAX))
def test_a_price_on_the_grid_is_exactly_its_ticks(step: str, ticks: int) -> None:
    config = changed(
        {
            "engine.instrument.tick_size": step,
            "engine.opening_position": "0.001",
            "engine.opening_price": str(ticks * Decimal(step)),
        }
    )

    assert config.engine.opening_ticks == ticks


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.integers(1, 999), st.integers(1, 99_999))
def test_a_position_off_the_grid_names_its_neighbours(rest: int, lots: int) -> None:
    value = Decimal(lots * 1000 + rest).scaleb(-6)
    (line,) = errors({"risk.position_limits.max_position": str(value)})

    below, above = lots * Decimal("0.001"), (lots + 1) * Decimal("0.001")
    assert line.endswith(f"(nearest: {below} or {above})")


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.decimals(min_value="0.001", max_value=10**8, places=7))
def test_money_limits_never_widen_and_lose_less_than_a_unit(value: Decimal) -> None:
    config = changed(
        {
            "risk.notional_limits": {"max_gross_notional": value},
            "risk.max_loss": {"max_drawdown": value},
            "risk.venue_policy.min_order_notional": value,
        }
    )
    instrument = config.instrument
    record = config.risk.to_record(instrument)
    gross = int(record["gross_notional_max"]) * instrument.notional_unit
    least = int(record["order_notional_min"]) * instrument.notional_unit

    assert gross <= Fraction(value) < gross + instrument.notional_unit
    assert least - instrument.notional_unit < Fraction(value) <= least
    assert int(record["drawdown_money_max"]) * instrument.money_unit == Fraction(value)


def test_every_limit_reaches_its_field() -> None:
    config = changed(
        {
            "risk.trading_enabled": False,
            "risk.notional_limits": {"max_gross_notional": 200_000, "max_single_order_notional": 10_000},
            "risk.quote_limits": {
                "max_gross_quote_notional": 20_000,
                "max_net_quote_notional": 9_000,
                "max_active_quotes": 20,
            },
            "risk.max_loss": {"max_drawdown": 2_000, "rolling_loss": 200, "rolling_loss_window_seconds": 60},
            "risk.venue_policy": {"min_order_notional": 5, "post_only_mode": "drop", "market_collar": "0.02"},
        }
    )
    record = config.risk.to_record(config.instrument)

    assert {name: int(record[name]) for name in record.dtype.names or ()} == {
        "trading_enabled": 0,
        "position_lots_max": 1_000,
        "gross_notional_max": 2_000_000_000,
        "order_notional_max": 100_000_000,
        "order_notional_min": 50_000,
        "quote_gross_notional_max": 200_000_000,
        "quote_net_notional_max": 90_000_000,
        "active_quotes_max": 20,
        "drawdown_money_max": 2_000 * 10**9,
        "rolling_loss_money_max": 200 * 10**9,
        "rolling_bucket_ns": 952_380_953,
        "post_only_mode": 1,
        "market_collar_e9": 20_000_000,
        "order_lots_max": ORDER_LOTS_MAX,
    }


def test_the_words_of_the_configuration_are_those_of_the_core() -> None:
    """Their numbers come from the enums, by name."""
    fields = EngineConfig.model_fields

    assert get_args(fields["taker_sweeps"].annotation) == TAKER_SWEEPS
    assert {word.upper() for word in get_args(fields["replace_policy"].annotation)} <= set(
        ReplacePolicy.__members__
    )
    modes = get_args(VenuePolicy.model_fields["post_only_mode"].annotation)
    assert {word.upper() for word in modes} == set(PostOnlyMode.__members__)


def test_limits_left_out_never_bind() -> None:
    config = changed()
    record = config.risk.to_record(config.instrument)

    for name in (
        "gross_notional_max",
        "order_notional_max",
        "quote_gross_notional_max",
        "quote_net_notional_max",
        "active_quotes_max",
        "drawdown_money_max",
        "rolling_loss_money_max",
    ):
        assert record[name] == NEVER, name
    assert record["rolling_bucket_ns"] == 0
    assert record["order_notional_min"] == 0
    assert not config.risk.throttle_records()["interval_ns"].any()


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.integers(1, 31_622_400 * 10**9))
def test_the_rolling_window_is_never_shorter_than_asked(window_ns: int) -> None:
    seconds = str(Decimal(window_ns).scaleb(-9))
    loss = changed(
        {"risk.max_loss": {"rolling_loss": 1, "rolling_loss_window_seconds": seconds}}
    ).risk.max_loss

    assert loss is not None
    full_buckets = LOSS_BUCKETS - 1  # beside the one that has just begun
    assert window_ns <= loss.rolling_bucket_ns * full_buckets < window_ns + full_buckets


@pytest.mark.parametrize(
    ("rate", "burst", "interval_ns", "tolerance_ns"),
    [
        ("20", None, 50_000_000, 19 * 50_000_000),
        ("20", 1, 50_000_000, 0),
        ("3", None, 333_333_334, 2 * 333_333_334),
        ("0.5", None, 2_000_000_000, 0),
        ("0.3", 4, 3_333_333_334, 3 * 3_333_333_334),
        ("2.9", None, 344_827_587, 344_827_587),
        ("1000000000", 1, 1, 0),
    ],
)
def test_throttles_are_exact_and_never_exceed_the_rate(
    rate: str, burst: int | None, interval_ns: int, tolerance_ns: int
) -> None:
    limits = {"max_orders_per_second": rate, "burst_orders": burst, "max_cancels_per_second": 1}
    throttles = changed({"risk.order_rate_limits": limits}).risk.throttle_records()

    assert throttles.shape == (2,)
    assert throttles[0].item() == (interval_ns, tolerance_ns, 0)
    assert throttles[1].item() == (10**9, 0, 0)
    assert Fraction(10**9, interval_ns) <= Fraction(Decimal(rate))


def test_a_throttle_for_cancels_alone_leaves_orders_unlimited() -> None:
    throttles = changed({"risk.order_rate_limits.max_cancels_per_second": 4}).risk.throttle_records()
    assert throttles["interval_ns"].tolist() == [0, 250_000_000]


def test_inverse_contracts_count_in_contracts_quote_and_base() -> None:
    config = changed(
        INVERSE
        | {
            "risk.position_limits.currency": "contracts",
            "risk.notional_limits": {"currency": "USD", "max_gross_notional": 12_345},
            "risk.max_loss": {"currency": "BTC", "max_drawdown": "0.5"},
        }
    )
    record = config.risk.to_record(config.instrument)

    assert config.instrument.inverse
    assert config.instrument.settlement_currency == "BTC"
    assert record["position_lots_max"] == 50
    assert record["gross_notional_max"] == 123
    assert record["drawdown_money_max"] == 5 * 10**11


def test_currencies_of_inverse_contracts_are_checked() -> None:
    assert errors(
        INVERSE
        | {
            "risk.position_limits.currency": "BTC",
            "risk.notional_limits": {"currency": "BTC", "max_gross_notional": 100},
            "risk.max_loss": {"currency": "USD", "max_drawdown": 1},
        }
    ) == [
        "risk.position_limits.currency must be USD or contracts (the instrument's), was BTC",
        "risk.notional_limits.currency must be USD (the instrument's), was BTC",
        "risk.max_loss.currency must be BTC (the instrument's), was USD",
    ]


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.integers(1, 10**7), st.integers(1, ORDER_LOTS_MAX))
def test_what_passes_the_bounds_cannot_overflow_linear(price_max_ticks: int, lots: int) -> None:
    """The products of core/position.py at the worst price: exposure, one fill's value, equity."""
    config = changed({"risk.position_limits.max_position": str(lots * Decimal("0.001"))})
    money = int(config.instrument.money_per_halfticklot)
    collared_ticks = price_max_ticks * 101 // 100

    def fits(ticks: int) -> bool:
        return max(2 * lots * 2 * ticks * money, (3 * lots + ORDER_LOTS_MAX) * ticks) < 1 << 62

    try:
        check_bounds(config, price_max_ticks)
    except ConfigError:
        assert not fits(collared_ticks + 1)
    else:
        assert fits(collared_ticks)


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.integers(1, 10**7), st.integers(1, ORDER_LOTS_MAX))
def test_what_passes_the_bounds_cannot_overflow_inverse(price_ticks: int, lots: int) -> None:
    """The products of inverse_value_money at the lowest and the highest price."""
    config = changed(INVERSE | {"risk.position_limits.max_position": lots})
    record = config.instrument.to_record()
    num, den = int(record["value_num"]), int(record["value_den"])
    try:
        check_bounds(config, price_ticks, price_ticks)
    except ConfigError:
        lowest = max(1, price_ticks * 99 // 100)
        assert 2 * lots * num >= ((1 << 62) - 1) * den * lowest
    else:
        assert 2 * lots * (num // (den * price_ticks)) < 1 << 62
        assert 2 * lots * den * 2 * price_ticks < 1 << 62
        assert 2 * num < 1 << 63


def test_exceeded_bounds_name_the_key_to_lower() -> None:
    opening: dict[str, object] = {"engine.opening_position": 2000, "engine.opening_price": 60_000}
    config = changed(opening | {"risk.position_limits.max_position": 1000})
    check_bounds(config, 700_000)

    with pytest.raises(ConfigError) as caught:
        check_bounds(config, 1_000_000_000)
    assert str(caught.value).split("\n") == [
        "risk.position_limits.max_position must be <= 22.83 for prices of 1 to 1010000001 ticks (int64), "
        "was 1000: lower it, or coarsen engine.instrument.lot_size",
        "engine.opening_position must be <= 22.83 for prices of 1 to 1010000001 ticks (int64), "
        "was 2000: lower it, or coarsen engine.instrument.lot_size",
    ]


def test_prices_beyond_int64_ask_for_a_coarser_tick() -> None:
    with pytest.raises(ConfigError, match=r"engine\.instrument\.tick_size must be coarser: 5000000000 ticks"):
        check_bounds(changed(), 5_000_000_000)
    with pytest.raises(ConfigError, match="price range must be within"):
        check_bounds(changed(), 10, 11)
