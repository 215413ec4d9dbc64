"""Bounds and messages of every field."""
# ruff: noqa: E501  (the table keeps a case on a line)

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.config.fields import decimal_text

from .builders import changed, errors

FEE = "engine.fees.maker_rate"
TICK = "engine.instrument.tick_size"
LATENCY = "engine.latency.entry_seconds"
POSITION = "risk.position_limits.max_position"
RATES = "risk.order_rate_limits"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("id", "", 'must be 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit, was ""'),
        ("id", "a/b", 'must be 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit, was "a/b"'),
        ("id", "a\n", 'must be 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit, was "a\\n"'),
        ("id", 7, "must be text in quotes, was 7"),
        ("description", 7, "must be text in quotes, was 7"),
        ("engine", [], "must be an object, was a list of 0"),
        ("engine.data_files", "a.npz", 'must be a list, was "a.npz"'),
        ("engine.data_files", [], "must have at least one entry, was empty"),
        ("engine.initial_snapshot", "book.csv", 'must be a .npy or .npz file in hftbacktest\'s format, was "/data/book.csv"'),
        ("engine.initial_snapshot", 3, "must be a path, was 3"),
        ("engine.instrument.name", "BTC USDT", 'must be 1 to 64 letters, digits or ._:/-, the first a letter or digit, was "BTC USDT"'),
        ("engine.instrument.base_currency", "B-C", 'must be 1 to 16 letters or digits, such as USDT, was "B-C"'),
        ("engine.instrument.quote_currency", "BTC", "must differ from base_currency, was BTC too"),
        (TICK, 0, "must be > 0, was 0"),
        (TICK, "0.1.2", 'must be a number such as 0.1 or "0.1", was "0.1.2"'),
        (TICK, " 0.1", 'must be a number such as 0.1 or "0.1", was " 0.1"'),
        (TICK, "1_0", 'must be a number such as 0.1 or "0.1", was "1_0"'),
        (TICK, "NaN", 'must be a number such as 0.1 or "0.1", was "NaN"'),
        (TICK, Decimal("NaN"), "must be a finite number, was NaN"),
        (TICK, Decimal("Infinity"), "must be a finite number, was Infinity"),
        (TICK, True, "must be a number, was true"),
        (TICK, None, "must be a number, was null"),
        (TICK, 0.1, 'must be an exact decimal such as "0.1", was the float 0.1: write it as a string'),
        (TICK, Decimal("1e999999"), "must have at most 18 digits before and 18 after the point, was 1E+999999"),
        (TICK, "1e-19", 'must have at most 18 digits before and 18 after the point, was "1e-19"'),
        ("engine.instrument.lot_size", -1, "must be > 0, was -1"),
        ("engine.instrument.contract_size", 0, "must be > 0, was 0"),
        ("engine.instrument.kind", "Linear", 'must be "linear" or "inverse", was "Linear": did you mean "linear"?'),
        (FEE, "0.1", 'must be < 0.1, was 0.1'),
        (FEE, "-0.1", 'must be > -0.1, was -0.1'),
        ("engine.fees.taker_rate", Decimal("0.1"), "must be < 0.1, was 0.1"),
        ("engine.latency.kind", "file", 'must be "constant" or "interpolated", was "file"'),
        ("engine.latency", {"kind": "constant", "entry_seconds": 1}, ".response_seconds is required for kind constant"),
        ("engine.latency", {"kind": "interpolated"}, ".file is required for kind interpolated"),
        (
            "engine.latency",
            {"kind": "interpolated", "file": "a.npz", "entry_seconds": 1},
            ".entry_seconds must be left out unless kind constant, was 1",
        ),
        ("engine.latency.file", "a.npz", 'must be left out unless kind interpolated, was "/data/a.npz"'),
        ("engine.latency.file", "a.csv", 'must be a .npy or .npz file in hftbacktest\'s format, was "/data/a.csv"'),
        (LATENCY, 0, "must be > 0, was 0"),
        (LATENCY, 3601, "must be <= 3600, was 3601"),
        ("engine.latency.response_seconds", -1, "must be > 0, was -1"),
        (
            "engine.queue_model.kind",
            "risk_adverse",
            'must be "risk_averse", "log_prob", "log_prob2", "power_prob", "power_prob2" or "power_prob3", '
            'was "risk_adverse": did you mean "risk_averse"?',
        ),
        (
            "engine.queue_model.exponent",
            3,
            "must be left out unless kind is power_prob, power_prob2, power_prob3, was 3",
        ),
        ("engine.queue_model", {"kind": "power_prob", "exponent": 0}, ".exponent must be > 0, was 0"),
        ("engine.queue_model", {"kind": "power_prob3", "exponent": 101}, ".exponent must be <= 100, was 101"),
        ("engine.exchange_model", True, 'must be "no_partial_fill" or "partial_fill", was true'),
        ("engine.depth.kind", "array", 'must be "auto", "hashmap" or "roi", was "array"'),
        ("engine.depth", {"kind": "roi", "roi_min": 1}, ".roi_max is required for kind roi"),
        ("engine.depth", {"kind": "auto", "roi_min": 1}, ".roi_min must be left out unless kind roi, was 1"),
        ("engine.depth", {"kind": "roi", "roi_min": 2, "roi_max": 2}, ".roi_max must be > roi_min (2), was 2"),
        (
            "engine.depth",
            {"kind": "roi", "roi_min": "1.05", "roi_max": 2},
            ".roi_min must be a multiple of 0.1, was 1.05 (nearest: 1.0 or 1.1)",
        ),
        (
            "engine.depth",
            {"kind": "roi", "roi_min": 1, "roi_max": 10_000_000},
            ".roi_max must be <= 6710887.3 (67108864 ticks from roi_min), was 10000000: narrow the range, or use kind hashmap",
        ),
        ("engine.replace_policy", "native", 'must be "after_ack" or "at_once", was "native"'),
        ("engine.taker_sweeps", "allow", 'must be "estimate", "best_level" or "deny", was "allow"'),
        ("engine.ack_timeout_seconds", -1, "must be >= 0, was -1"),
        ("engine.ack_timeout_seconds", 3601, "must be <= 3600, was 3601"),
        ("engine.book_levels", -1, "must be >= 0, was -1"),
        ("engine.book_levels", 201, "must be <= 200, was 201"),
        ("engine.book_levels", True, "must be an integer, was true"),
        ("engine.book_levels", Decimal("1.5"), "must be an integer, was 1.5"),
        ("engine.book_levels", "5", 'must be an integer, was "5"'),
        ("engine.trades_capacity", 100_001, "must be <= 100000, was 100001"),
        ("engine.trades_capacity", -1, "must be >= 0, was -1"),
        ("engine.session_epoch", 1 << 23, "must be <= 8388607, was 8388608"),
        ("engine.session_epoch", -1, "must be >= 0, was -1"),
        ("engine.max_wakeups", 0, "must be >= 1, was 0"),
        ("engine.opening_price", 5, "must be left out unless an opening_position other than 0, was 5"),
        ("risk.scope", "", 'must not be empty, was ""'),
        ("risk.trading_enabled", 1, "must be true or false, was 1"),
        ("risk.position_limits", {}, ".max_position is required: on |position + open orders| [quantity, as lot_size], a multiple of lot_size"),
        (POSITION, -1, "must be > 0, was -1"),
        (POSITION, 0, "must be > 0, was 0"),
        (POSITION, "0.0015", "must be a multiple of 0.001, was 0.0015 (nearest: 0.001 or 0.002)"),
        (POSITION, 1_000_001, "must be at most 1000000000 lots, was 1000001 (1000001000 lots)"),
        ("risk.position_limits.currency", "USDT", "must be BTC (the instrument's), was USDT"),
        ("risk.notional_limits", {"currency": "USDT"}, "must set at least one of max_gross_notional, max_single_order_notional; leave the section out for no limit"),
        ("risk.notional_limits", {"currency": "EUR", "max_gross_notional": 1}, ".currency must be USDT (the instrument's), was EUR"),
        ("risk.notional_limits.max_gross_notional", 0, "must be > 0, was 0"),
        ("risk.notional_limits.max_single_order_notional", "0.00001", "must be >= 0.0001 USDT (the smallest unit), was 0.00001"),
        ("risk.notional_limits.max_gross_notional", 10**17, "must be < 461168601842738 USDT (int64), was 100000000000000000: leave it out for no limit"),
        ("risk.quote_limits", {}, "must set at least one of max_gross_quote_notional, max_net_quote_notional, max_active_quotes; leave the section out for no limit"),
        ("risk.quote_limits", {"currency": "BTC", "max_active_quotes": 1}, ".currency must be USDT (the instrument's), was BTC"),
        ("risk.quote_limits.max_gross_quote_notional", -5, "must be > 0, was -5"),
        ("risk.quote_limits.max_net_quote_notional", "0.00009", "must be >= 0.0001 USDT (the smallest unit), was 0.00009"),
        ("risk.quote_limits.max_active_quotes", 0, "must be >= 1, was 0"),
        (RATES, {}, "must set at least one of max_orders_per_second, max_cancels_per_second; leave the section out for no limit"),
        (f"{RATES}.max_orders_per_second", 0, "must be >= 0.000001, was 0"),
        (f"{RATES}.max_cancels_per_second", 10**9 + 1, "must be <= 1000000000, was 1000000001"),
        (RATES, {"max_orders_per_second": 1, "burst_orders": 0}, ".burst_orders must be >= 1, was 0"),
        (RATES, {"max_orders_per_second": 1, "burst_cancels": 2}, ".burst_cancels must be left out without max_cancels_per_second, was 2"),
        (RATES, {"max_cancels_per_second": "0.000001", "burst_cancels": 9999}, ".burst_cancels must be <= 1152 at this rate, was 9999"),
        ("risk.max_loss", {}, "must set at least one of max_drawdown, rolling_loss; leave the section out for no limit"),
        ("risk.max_loss.max_drawdown", -2000, "must be positive, was -2000: write 2000"),
        ("risk.max_loss.max_drawdown", "-2000.50", 'must be positive, was -2000.5: write 2000.5'),
        ("risk.max_loss.max_drawdown", 0, "must be > 0, was 0"),
        ("risk.max_loss.max_drawdown", 10**10, "must be < 4611686018 USDT (int64), was 10000000000: leave it out for no limit"),
        ("risk.max_loss", {"rolling_loss": 5}, ".rolling_loss_window_seconds is required for rolling_loss"),
        ("risk.max_loss", {"max_drawdown": 1, "rolling_loss_window_seconds": 5}, ".rolling_loss is required for rolling_loss_window_seconds"),
        ("risk.max_loss", {"rolling_loss": 1, "rolling_loss_window_seconds": 0}, ".rolling_loss_window_seconds must be > 0, was 0"),
        ("risk.max_loss", {"max_drawdown": 1, "currency": "BTC"}, ".currency must be USDT (the instrument's), was BTC"),
        ("risk.venue_policy.min_order_notional", -1, "must be >= 0, was -1"),
        ("risk.venue_policy.post_only_mode", "reject", 'must be "deny" or "drop", was "reject": we deny, a venue rejects: write "deny"'),
        ("risk.venue_policy.market_collar", "0.6", 'must be <= 0.5, was 0.6'),
        ("risk.venue_policy.market_collar", -1, "must be >= 0, was -1"),
        ("strategy.class_path", "module.Name", 'must be module:Name, such as "trading_platform.strategies.debug:DebugStrategy", was "module.Name"'),
        ("strategy.params", [], "must be an object, was a list of 0"),
        ("strategy.params", {"a": [{"b": Decimal("NaN")}]}, ".a[0].b must be a finite number, was NaN"),
        ("strategy.params", {"a": 0.5}, ".a must be a JSON value with exact decimals, was 0.5"),
        ("output.directory", "", 'must not be empty, was ""'),
        ("output.stats_interval_seconds", -1, "must be >= 0, was -1"),
        ("output.journal_touch", "yes", 'must be true or false, was "yes"'),
        ("output.run_id", "a b", 'must be 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit, was "a b"'),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_key_bound_and_value(key: str, value: object, text: str) -> None:
    assert errors({key: value}) == [f"{key}{text}" if text.startswith(".") else f"{key} {text}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "a" * 64),
        ("engine.fees.maker_rate", "-0.099999999"),
        (LATENCY, "0.000000001"),
        (LATENCY, 3600),
        ("engine.queue_model", {"kind": "power_prob", "exponent": 100}),
        ("engine.depth", {"kind": "roi", "roi_min": "0.1", "roi_max": "6710886.4"}),
        ("engine.book_levels", 200),
        ("engine.trades_capacity", 100_000),
        ("engine.session_epoch", (1 << 23) - 1),
        ("engine.max_wakeups", 1),
        ("engine.max_wakeups", None),
        (POSITION, "0.001"),
        (POSITION, 1_000_000),
        ("risk.notional_limits", {"currency": "USDT", "max_single_order_notional": "0.0001"}),
        (RATES, {"max_cancels_per_second": "0.000001", "burst_cancels": 1152}),
        (RATES, {"max_orders_per_second": 10**9}),
        ("risk.max_loss", {"currency": "USDT", "rolling_loss": 1, "rolling_loss_window_seconds": 31_622_400}),
        ("risk.venue_policy.market_collar", 0),
        ("risk.venue_policy.market_collar", "0.5"),
        ("output.stats_interval_seconds", 0),
        ("engine.instrument.tick_size", Decimal("0.1")),
        ("engine.instrument.tick_size", "1e-1"),
    ],
)
def test_a_value_on_its_bound_is_accepted(key: str, value: object) -> None:
    changed({key: value})


def test_finer_than_a_nanosecond_is_refused() -> None:
    (line,) = errors({LATENCY: "0.0000000005"})
    assert line.startswith(f"{LATENCY} must be a multiple of ")


def test_fee_rates_finer_than_1e_9_are_refused() -> None:
    (line,) = errors({FEE: "0.0000000005"})
    assert line.startswith(f"{FEE} must be a multiple of ")


def test_the_same_file_twice_is_refused() -> None:
    assert errors({"engine.data_files": ["a.npz", "x/../a.npz"]}) == [
        'engine.data_files[1] must not be listed twice, was "/data/a.npz"'
    ]


def test_an_opening_position_needs_a_price_on_the_grid() -> None:
    assert errors({"engine.opening_position": -1}) == [
        "engine.opening_price is required for an opening_position other than 0"
    ]
    assert errors({"engine.opening_position": "0.0005", "engine.opening_price": "1.05"}) == [
        "engine.opening_position must be a multiple of 0.001, was 0.0005 (nearest: 0.000 or 0.001)",
        "engine.opening_price must be a multiple of 0.1, was 1.05 (nearest: 1.0 or 1.1)",
    ]
    engine = changed({"engine.opening_position": "-0.5", "engine.opening_price": "60000.1"}).engine
    assert (engine.opening_lots, engine.opening_ticks) == (-500, 600_001)


def test_a_snapshot_cannot_be_a_file_of_the_data_too() -> None:
    assert errors({"engine.initial_snapshot": "b.npz"}) == [
        'engine.initial_snapshot must not be one of data_files, was "/data/b.npz": leave it out, or name a snapshot'
    ]
    assert changed({"engine.initial_snapshot": "c.npz"}).engine.initial_snapshot is not None


@pytest.mark.parametrize("seconds", ["0.000000001", "0.03"])
def test_a_timeout_within_which_no_report_can_be_back_is_refused(seconds: str) -> None:
    """The round trip is 0.01 + 0.02 s: every order would be asked about while its report is on the way."""
    assert errors({"engine.ack_timeout_seconds": seconds}) == [
        "engine.ack_timeout_seconds must be > latency.entry_seconds + latency.response_seconds (0.03), "
        f"was {seconds}: raise it, or use 0 (off)"
    ]
    assert changed({"engine.ack_timeout_seconds": "0.030000001"}).engine.ack_timeout_ns == 30_000_001


@pytest.mark.parametrize(
    "key",
    [
        "notional_limits.max_single_order_notional",
        "notional_limits.max_gross_notional",
        "quote_limits.max_gross_quote_notional",
        "quote_limits.max_net_quote_notional",
    ],
)
def test_no_order_can_be_large_enough_and_small_enough(key: str) -> None:
    least = "risk.venue_policy.min_order_notional"
    assert errors({least: 6, f"risk.{key}": 5}) == [f"{least} must be <= {key} (5), was 6"]
    changed({least: 5, f"risk.{key}": 5})


def test_an_instrument_whose_money_is_no_whole_unit_is_refused() -> None:
    (line,) = errors({"engine.instrument.lot_size": "0.000000001"})
    assert line.startswith("engine.instrument does not fit the core: tick_size * lot_size * contract_size")


def test_an_instrument_beyond_int64_is_refused() -> None:
    (line,) = errors({TICK: 10**9, "engine.instrument.lot_size": 10**9, POSITION: 10**9})
    assert line == (
        "engine.instrument does not fit int64: tick_size * lot_size * contract_size was 1000000000000000000"
    )


def test_sections_left_out_have_the_documented_defaults() -> None:
    config = changed()

    assert config.engine.depth.kind == "auto"
    assert config.engine.replace_policy == "after_ack"
    assert config.engine.taker_sweeps == "estimate"
    assert config.engine.instrument.contract_size == 1
    assert config.engine.ack_timeout_ns == 0
    assert config.risk.trading_enabled is True
    assert config.risk.venue_policy.market_collar == Decimal("0.01")
    assert config.output.directory.endswith("/runs")
    assert config.output.stats_interval_ns == 10**9


def test_latencies_are_whole_nanoseconds() -> None:
    assert changed().engine.latency.constant_ns == (10_000_000, 20_000_000)
    assert (
        changed({"engine.latency": {"kind": "interpolated", "file": "a.npz"}}).engine.latency.constant_ns
        is None
    )


def test_the_power_of_a_queue_model_is_2_unless_given() -> None:
    assert changed({"engine.queue_model": {"kind": "power_prob"}}).engine.queue_model.power == 2
    given = {"kind": "power_prob2", "exponent": "3.5"}
    assert changed({"engine.queue_model": given}).engine.queue_model.power == Decimal("3.5")


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=9))
def test_the_text_of_a_number_is_exact_and_unique(value: Decimal) -> None:
    text = decimal_text(value)

    assert Decimal(text) == value
    assert "E" not in text
    assert text == decimal_text(Decimal(text + "0") if "." in text else Decimal(text + ".0"))


def test_a_configuration_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        changed().risk.position_limits.max_position = Decimal(2)  # type: ignore[misc]
