"""What is legal but odd: each rule warns where it should, with key, effect and cure, and is silent one step before."""
# ruff: noqa: E501  (the tables keep a case on a line)

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.config.facts import Market, StrategyFacts
from trading_platform.config.oddities import find_oddities, highest_order, notional, rounded

from .builders import INVERSE, changed

MARKET = Market(first=Decimal(60_000), last=Decimal(61_000), low=Decimal(59_000), high=Decimal(62_000))
SINGLE = "risk.notional_limits.max_single_order_notional"
GROSS = "risk.notional_limits.max_gross_notional"
QUOTE_GROSS = "risk.quote_limits.max_gross_quote_notional"
QUOTE_NET = "risk.quote_limits.max_net_quote_notional"
ACTIVE = "risk.quote_limits.max_active_quotes"
POSITION = "risk.position_limits.max_position"
RATES = "risk.order_rate_limits"
Changes = dict[str, object]


def maker(qty: str = "0.01", levels: int | None = 2, levels_per_side: int = 16) -> StrategyFacts:
    return StrategyFacts("compiled", {}, Decimal(qty), levels, levels_per_side)


def found(
    changes: Changes | None = None, strategy: StrategyFacts | None = None, market: Market | None = MARKET
) -> list[tuple[str, str]]:
    """Return code and key of each finding."""
    oddities = find_oddities(changed(changes), strategy or maker(), market)
    for oddity in oddities:
        assert oddity.effect, oddity
        assert oddity.cure, oddity
        assert str(oddity) == f"{oddity.code} {oddity.key}: {oddity.effect}; {oddity.cure}"
    return [(oddity.code, oddity.key) for oddity in oddities]


def roi(low: object, high: object) -> Changes:
    return {"engine.depth": {"kind": "roi", "roi_min": low, "roi_max": high}}


def opening(qty: object, price: object = 60_000) -> Changes:
    return {"engine.opening_position": qty, "engine.opening_price": price}


def fees(maker_rate: object, taker_rate: object) -> Changes:
    return {"engine.fees": {"maker_rate": maker_rate, "taker_rate": taker_rate}}


def test_an_ordinary_configuration_has_nothing_odd() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("code", "key", "odd", "ordinary"),
    [
        ("TRADING_DISABLED", "risk.trading_enabled", {"risk.trading_enabled": False}, {"risk.trading_enabled": True}),
        ("LATENCY_NEAR_ZERO", "engine.latency.entry_seconds", {"engine.latency.entry_seconds": "0.000009999"}, {"engine.latency.entry_seconds": "0.00001"}),
        ("LATENCY_NEAR_ZERO", "engine.latency.response_seconds", {"engine.latency.response_seconds": "0.000000001"}, {"engine.latency.response_seconds": "0.00001"}),
        ("LATENCY_LONG", "engine.latency.response_seconds", {"engine.latency.response_seconds": "1.1"}, {"engine.latency.response_seconds": 1}),
        ("FEES_ZERO", "engine.fees", fees(0, 0), fees(0, "0.0001")),
        ("FEES_SWAPPED", "engine.fees.maker_rate", fees("0.0005", "0.0002"), fees("0.0005", "0.0005")),
        ("REBATE_ABOVE_FEE", "engine.fees.maker_rate", fees("-0.0003", "0.0002"), fees("-0.0002", "0.0002")),
        ("FEE_HIGH", "engine.fees.taker_rate", fees("0.0002", "0.05"), fees("0.0002", "0.0049")),
        ("ROI_MISSES_MARKET", "engine.depth", roi(60_000, 70_000), roi(59_000, 62_000)),
        ("ROI_MISSES_MARKET", "engine.depth", roi(50_000, "61999.9"), roi(50_000, 70_000)),
        ("ROI_MISSES_MARKET", "engine.depth", roi(1, 2), {"engine.depth": {"kind": "hashmap"}}),
        ("ROI_WIDE", "engine.depth", roi("0.1", 700_000), roi("0.1", 400_000)),
        ("OPENING_BEYOND_LIMIT", "engine.opening_position", opening("-1.001"), opening(-1)),
        ("OPENING_PRICE_FAR", "engine.opening_price", opening(1, 66_001), opening(1, 66_000)),
        ("OPENING_PRICE_FAR", "engine.opening_price", opening(-1, 53_999), opening(-1, 54_000)),
        ("LIMIT_SHADOWED", SINGLE, {SINGLE: 100_000, GROSS: 100_000}, {SINGLE: 99_999, GROSS: 100_000}),
        ("LIMIT_SHADOWED", QUOTE_NET, {QUOTE_NET: 60_000, QUOTE_GROSS: 50_000}, {QUOTE_NET: 49_999, QUOTE_GROSS: 50_000}),
        ("LIMIT_SHADOWED", "risk.max_loss.rolling_loss", {"risk.max_loss": {"rolling_loss": 5, "rolling_loss_window_seconds": 1, "max_drawdown": 5}}, {"risk.max_loss": {"rolling_loss": 4, "rolling_loss_window_seconds": 1, "max_drawdown": 5}}),
        ("LIMIT_NEVER_BINDS", SINGLE, {SINGLE: 248_001}, {SINGLE: 248_000}),
        ("LIMIT_NEVER_BINDS", GROSS, {GROSS: 620_001}, {GROSS: 620_000}),
        ("LIMIT_NEVER_BINDS", QUOTE_GROSS, {QUOTE_GROSS: 496_001}, {QUOTE_GROSS: 496_000}),
        ("LIMIT_NEVER_BINDS", QUOTE_NET, {QUOTE_NET: 496_001}, {QUOTE_NET: 496_000}),
        ("LIMIT_NEVER_BINDS", ACTIVE, {ACTIVE: 64}, {ACTIVE: 63}),
        ("LOSS_LIMIT_HIGH", "risk.max_loss.max_drawdown", {"risk.max_loss.max_drawdown": 62_001}, {"risk.max_loss.max_drawdown": 62_000}),
        ("LOSS_LIMIT_HIGH", "risk.max_loss.rolling_loss", {"risk.max_loss": {"rolling_loss": 62_001, "rolling_loss_window_seconds": 1}}, {"risk.max_loss": {"rolling_loss": 62_000, "rolling_loss_window_seconds": 1}}),
        ("LIMIT_BELOW_ORDER", SINGLE, {SINGLE: "599.9"}, {SINGLE: 600}),
        ("LIMIT_BELOW_ORDER", GROSS, {GROSS: "599.9"}, {GROSS: 600}),
        ("LIMIT_BELOW_ORDER", QUOTE_GROSS, {QUOTE_GROSS: "599.9"}, {QUOTE_GROSS: 2400}),
        ("LIMIT_BELOW_ORDER", QUOTE_NET, {QUOTE_NET: "599.9"}, {QUOTE_NET: 600}),
        ("ORDER_BELOW_MINIMUM", "risk.venue_policy.min_order_notional", {"risk.venue_policy.min_order_notional": "600.1"}, {"risk.venue_policy.min_order_notional": 600}),
        ("POSITION_LIMIT_BELOW_ORDER", POSITION, {POSITION: "0.009"}, {POSITION: "0.02"}),
        ("POSITION_LIMIT_BELOW_LEVELS", POSITION, {POSITION: "0.019"}, {POSITION: "0.02"}),
        ("QUOTES_FEWER_THAN_LEVELS", ACTIVE, {ACTIVE: 3}, {ACTIVE: 4}),
        ("QUOTE_LIMIT_BELOW_LEVELS", QUOTE_GROSS, {QUOTE_GROSS: 2399}, {QUOTE_GROSS: 2400}),
        ("CANCELS_SLOWER_THAN_ORDERS", f"{RATES}.max_cancels_per_second", {RATES: {"max_orders_per_second": 20, "max_cancels_per_second": 19}}, {RATES: {"max_orders_per_second": 20, "max_cancels_per_second": 20}}),
    ],
)  # fmt: skip
def test_a_rule_warns_and_is_silent_one_step_before(
    code: str, key: str, odd: Changes, ordinary: Changes
) -> None:
    assert found(odd) == [(code, key)]
    assert found(ordinary) == []


@pytest.mark.parametrize(
    "changes",
    [
        {GROSS: 10**9},
        {SINGLE: 1},
        roi(1, 2),
        opening(1, 1),
        {"risk.max_loss.max_drawdown": 10**8},
        {"risk.venue_policy.min_order_notional": 10**6},
        {ACTIVE: 10**6},
        {POSITION: "0.001"},
    ],
)
def test_without_market_and_strategy_nothing_is_said_about_them(changes: Changes) -> None:
    assert find_oddities(changed(changes)) == ()


def test_what_needs_neither_is_found_without_them() -> None:
    config = changed({"risk.trading_enabled": False} | fees(0, 0))
    assert [oddity.code for oddity in find_oddities(config)] == ["TRADING_DISABLED", "FEES_ZERO"]


def test_a_strategy_without_order_qty_or_levels_has_no_warning_about_them() -> None:
    bare = StrategyFacts("interpreted", {}, None, None, 16)
    tight: Changes = {POSITION: "0.001", SINGLE: 1, ACTIVE: 1, QUOTE_GROSS: 1}
    assert found(tight, bare) == []
    assert ("QUOTES_FEWER_THAN_LEVELS", ACTIVE) not in found({ACTIVE: 1}, maker(levels=None))


def test_an_order_that_no_position_allows_is_told_apart_from_one_that_needs_a_position() -> None:
    (large,) = find_oddities(changed({POSITION: "0.004"}), maker(), MARKET)
    (turning,) = find_oddities(changed({POSITION: "0.009"}), maker(), MARKET)
    assert "always denied" in large.effect
    assert turning.effect.startswith("with no position")


@pytest.mark.parametrize(
    ("rate", "burst", "slots_per_side", "warns"),
    [
        # the round trip is 0.03 s: 2 slots send at most 66.6 orders/s
        (67, 2, 1, True),
        (66, 2, 1, False),
        (67, 1, 1, False),  # both slots at once: the second waits
        (67, 2, 2, False),
        (2000, 32, 16, True),
    ],
)
def test_a_rate_above_what_the_slots_can_send_is_told(
    rate: int, burst: int, slots_per_side: int, warns: bool
) -> None:
    changes: Changes = {RATES: {"max_orders_per_second": rate, "burst_orders": burst}}
    expected = [("LIMIT_NEVER_BINDS", f"{RATES}.max_orders_per_second")] if warns else []
    assert found(changes, maker(levels=1, levels_per_side=slots_per_side)) == expected


@settings(deadline=None)  # other work on the machine must not fail a test
@given(st.integers(1, 2000), st.integers(1, 40), st.integers(1, 8), st.integers(1, 50))
def test_a_throttle_that_is_told_never_to_bind_never_makes_an_order_wait(
    rate: int, burst: int, slots_per_side: int, round_trip_ms: int
) -> None:
    """Every slot sends as often as it can, all together: the worst case of the cell rate algorithm."""
    seconds = str(Decimal(round_trip_ms) / 2000)
    changes: Changes = {
        RATES: {"max_orders_per_second": rate, "burst_orders": burst},
        "engine.latency": {"kind": "constant", "entry_seconds": seconds, "response_seconds": seconds},
    }
    codes = [code for code, _ in found(changes, maker(levels=1, levels_per_side=slots_per_side))]
    throttle = changed(changes).risk.throttle_records()[0]
    tat_ns = 0
    waits = False
    for round_trip in range(20):
        now_ns = round_trip * round_trip_ms * 10**6
        for _ in range(2 * slots_per_side):
            waits |= tat_ns - int(throttle["tolerance_ns"]) > now_ns
            tat_ns = max(now_ns, tat_ns) + int(throttle["interval_ns"])
    assert not ("LIMIT_NEVER_BINDS" in codes and waits)


def test_inverse_contracts_need_no_price_for_their_value() -> None:
    """50 contracts of 100 USD: an order is worth at most 10,000 USD, whatever the price."""
    few = maker("2", levels=None)
    assert found(INVERSE | {SINGLE: 10_000}, few, None) == [("LIMIT_NEVER_BINDS", SINGLE)]
    assert found(INVERSE | {SINGLE: 9_900}, few, None) == []
    assert found(INVERSE | {SINGLE: 199}, few, None) == [("LIMIT_BELOW_ORDER", SINGLE)]
    assert [one.code for one in find_oddities(changed(INVERSE | {SINGLE: 10_000}))] == ["LIMIT_NEVER_BINDS"]


def test_the_loss_limit_of_an_inverse_contract_is_in_base_currency() -> None:
    """50 contracts of 100 USD at 59,000 are 0.0847 BTC."""
    few = maker("2", levels=None)
    (oddity,) = find_oddities(changed(INVERSE | {"risk.max_loss.max_drawdown": "0.085"}), few, MARKET)
    assert oddity.code == "LOSS_LIMIT_HIGH"
    assert "(0.0847 BTC)" in oddity.effect
    assert found(INVERSE | {"risk.max_loss.max_drawdown": "0.084"}, few) == []


def test_an_opening_position_beyond_the_limit_widens_what_can_be_open() -> None:
    config = changed(opening(3))
    assert highest_order(config) == 4  # from 3 long to 1 short
    assert found(opening(3) | {SINGLE: 248_001}) == [("OPENING_BEYOND_LIMIT", "engine.opening_position")]


@settings(deadline=None)
@given(st.integers(1, 1000), st.integers(0, 3000), st.booleans(), st.integers(1, 5000), st.data())
def test_no_order_is_larger_than_what_the_position_limit_passes(
    limit: int, opened: int, short: bool, lots: int, data: st.DataObject
) -> None:
    """core/risk.py: reducing orders pass, others if the worst case stays within the limit."""
    held = max(limit, opened)
    net = data.draw(st.integers(-held, held), label="net_lots")
    side = data.draw(st.sampled_from([1, -1]), label="side")
    passes = lots <= -side * net or side * net + lots <= limit
    config = changed(
        {POSITION: str(Decimal(limit).scaleb(-3))}
        | (opening(str(Decimal(-opened if short else opened).scaleb(-3))) if opened else {})
    )
    if passes:
        assert Decimal(lots).scaleb(-3) <= highest_order(config)


def test_values_of_any_size_can_be_told() -> None:
    """Decimal.quantize raises beyond 28 digits, and what warns must not fail."""
    assert rounded(Decimal(10) ** 40 + Decimal("0.126"), 2).endswith("0")
    assert rounded(Decimal("0.125001"), 2) == "0.13"
    assert notional(changed(), Decimal("0.5"), Decimal(60_000)) == 30_000
