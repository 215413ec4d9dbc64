"""A configuration in words: every limit that is set is told with its number, every other as not set."""

from decimal import Decimal
from typing import Any

import pytest

from trading_platform.config.explain import duration, explain
from trading_platform.config.facts import Market, StrategyFacts
from trading_platform.config.load import leaves
from trading_platform.config.oddities import find_oddities
from trading_platform.report.units import Units

from .builders import INVERSE, changed

FACTS = StrategyFacts(
    "compiled",
    {"order_qty": Decimal("0.010"), "levels": 2, "pause": Decimal(3), "on": True},
    Decimal("0.010"),
    2,
    16,
)
FULL: dict[str, object] = {
    "risk.notional_limits": {"max_gross_notional": 200_001, "max_single_order_notional": 10_002},
    "risk.quote_limits": {
        "max_gross_quote_notional": 20_003,
        "max_net_quote_notional": 9_004,
        "max_active_quotes": 25,
    },
    "risk.order_rate_limits": {
        "max_orders_per_second": "20.5",
        "max_cancels_per_second": 17,
        "burst_cancels": 6,
    },
    "risk.max_loss": {"max_drawdown": 2007, "rolling_loss": 208, "rolling_loss_window_seconds": 69},
    "risk.venue_policy": {"min_order_notional": 11, "market_collar": "0.02", "post_only_mode": "drop"},
}


def sentences(changes: dict[str, object] | None = None, part: str = "limits", **known: Any) -> list[str]:
    return explain(changed(changes), **known)[part]


def test_each_limit_is_a_sentence_with_its_number() -> None:
    assert sentences(FULL) == [
        "position at most 1 BTC, open orders counted",
        "position and open orders together worth at most 200001 USDT",
        "one order worth at most 10002 USDT",
        "open orders worth at most 20003 USDT",
        "the difference of open bids and asks worth at most 9004 USDT",
        "at most 25 open orders",
        "at most 20.5 orders/s (burst 20); more wait",
        "at most 17 cancels/s (burst 6); more wait",
        "halts at a drawdown of more than 2007 USDT",
        "halts at a loss of more than 208 USDT within 69 s",
        "an order worth less than 11 USDT is denied",
        "a post-only order that would trade at once is dropped, and counted",
        "a market order trades at most 2 % (at least one tick) beyond the best price",
    ]


def test_no_limit_that_is_set_is_left_out() -> None:
    """A limit that somebody adds to the configuration must reach the words."""
    told = " ".join(sentences(FULL))
    for key, value in leaves(changed(FULL).resolved()["risk"]):
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "run":
            known = "2 %" if key == "venue_policy.market_collar" else str(value)
            known = "dropped" if known == "drop" else known
            assert known in told, key


def test_limits_that_are_not_set_are_told_as_missing() -> None:
    assert [line for line in sentences() if line.startswith("no limit")] == [
        "no limit on the value of position and open orders together",
        "no limit on the value of one order",
        "no limit on the value of open orders",
        "no limit on the value of the difference of open bids and asks",
        "no limit on the number of open orders",
        "no limit on the rate of orders",
        "no limit on the rate of cancels",
        "no limit on the drawdown",
        "no limit on the loss within a time",
    ]


def test_a_slow_rate_has_a_burst_of_one() -> None:
    (line,) = [
        line
        for line in sentences({"risk.order_rate_limits.max_orders_per_second": "0.5"})
        if "orders/s" in line
    ]
    assert line == "at most 0.5 orders/s (burst 1); more wait"


def test_a_strategy_is_told_with_what_it_quotes_and_its_other_parameters() -> None:
    assert sentences(part="strategy", strategy=FACTS) == [
        "package.module:Maker, compiled",
        "quotes up to 0.01 BTC at 2 levels on each side",
        "parameters: pause 3, on true",
    ]
    one = FACTS._replace(levels=1, params={"order_qty": Decimal("0.01"), "levels": 1})
    assert sentences(part="strategy", strategy=one)[1:] == ["quotes up to 0.01 BTC at 1 level on each side"]


def test_a_strategy_without_known_parameters_is_told_by_all_of_them() -> None:
    """``levels`` alone says nothing about orders: it is a parameter like others."""
    facts = StrategyFacts("interpreted", {"size": Decimal(2), "levels": 7}, None, 7, 16)
    assert sentences(part="strategy", strategy=facts) == [
        "package.module:Maker, interpreted",
        "parameters: size 2, levels 7",
    ]
    assert sentences(part="strategy") == ["package.module:Maker"]


def test_instrument_and_data_are_told() -> None:
    market = Market(Decimal(60_000), Decimal(61_000), Decimal(59_000), Decimal(62_000))
    changes = {
        "engine.initial_snapshot": "book.npz",
        "engine.opening_position": "-0.5",
        "engine.opening_price": 60_000,
        "engine.max_wakeups": 9,
    }
    assert sentences(changes, "data", market=market) == [
        "BTCUSDT, linear: prices in USDT on a grid of 0.1, quantities in BTC on a grid of 0.001",
        "2 files of data, a.npz to b.npz",
        "first trade at 60000, last at 61000",
        "the book starts from book.npz",
        "the run starts with a position of -0.5 BTC bought or sold at 60000",
        "the run stops after 9 calls of the strategy",
    ]
    assert sentences(INVERSE | {"engine.data_files": ["a.npz"]}, "data") == [
        "BTCUSD_PERP, inverse: prices in USD on a grid of 0.1, quantities in contracts on a grid of 1",
        "a quantity of 1 stands for 100 USD",
        "one file of data, a.npz",
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "an order reaches the venue after 10 ms, its report is back 20 ms later"),
        ({}, "queue: only trades move a resting order forward (risk_averse)"),
        ({}, "orders fill as a whole"),
        ({}, "fees: maker 0.02 %, taker 0.05 % of the traded value"),
        ({}, "a replace cancels first; the new order leaves when the cancel is acknowledged"),
        ({}, "an order that takes more than the best level is sent as it is"),
        ({"engine.exchange_model": "partial_fill"}, "orders fill in parts"),
        (
            {"engine.replace_policy": "at_once"},
            "a replace sends cancel and new order together: both can fill",
        ),
        (
            {"engine.taker_sweeps": "best_level"},
            "an order that takes more than the best level is cut to it",
        ),
        ({"engine.taker_sweeps": "deny"}, "an order that takes more than the best level is denied"),
        ({"engine.ack_timeout_seconds": 2}, "an order without report is asked about after 2 s"),
        ({"engine.on_anomaly": "halt"}, "a report that cannot be halts trading, and the run goes on"),
        (
            {"engine.depth": {"kind": "roi", "roi_min": 1, "roi_max": 2}},
            "the book covers prices from 1 to 2",
        ),
        (
            {"engine.queue_model": {"kind": "power_prob3", "exponent": "2.5"}},
            "queue: a share of what leaves a level moves a resting order forward, to the power of 2.5 (power_prob3)",
        ),
        (
            {"engine.queue_model": {"kind": "log_prob2"}},
            "queue: a share of what leaves a level moves a resting order forward, logarithmic (log_prob2)",
        ),
    ],
)
def test_the_venue_is_told(changes: dict[str, object], sentence: str) -> None:
    assert sentence in sentences(changes, "venue")


def test_output_is_told() -> None:
    assert sentences(part="output") == [
        "runs are written to /data/runs, this one as unit-TIME",
        "equity is sampled every 1 s",
    ]
    changes: dict[str, object] = {
        "output": {"run_id": "r", "stats_interval_seconds": 0, "journal_touch": True, "audit": "all"}
    }
    assert sentences(changes, "output") == [
        "runs are written to /data/runs, this one as r",
        "equity is sampled at the end only",
        "every change of best bid and ask is in the log: it is large",
        "every look at a limit is recorded in audit.parquet: it is large",
    ]


def test_disabled_trading_is_told_first() -> None:
    assert sentences({"risk.trading_enabled": False})[0] == "trading is disabled: every new order is denied"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("3600", "3600 s"),
        ("1.5", "1.5 s"),
        ("0.01", "10 ms"),
        ("0.0000105", "10.5 us"),
        ("0.000000001", "1 ns"),
    ],
)
def test_a_duration_is_exact_in_the_unit_that_reads_best(seconds: str, text: str) -> None:
    assert duration(Decimal(seconds)) == text


@pytest.mark.parametrize("size", ["1", "1000", "0.01"])
@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_the_unit_of_a_quantity_is_that_of_the_reports(kind: str, size: str) -> None:
    """A linear contract of 1000 is a contract too: said as base currency it is wrong by a factor of 1000."""
    base = INVERSE if kind == "inverse" else {}
    config = changed(base | {"engine.instrument.contract_size": size})
    unit = Units(config.instrument).qty_unit
    known = StrategyFacts("compiled", {"order_qty": Decimal(5000)}, Decimal(5000), 2, 16)
    told = explain(config, known)

    assert config.engine.instrument.qty_unit == unit
    assert unit == ("BTC" if kind == "linear" and size == "1" else "contracts")
    assert f"quantities in {unit} on a grid of" in told["data"][0]
    assert told["strategy"][1].startswith(f"quotes up to 5000 {unit} at")
    assert f" {unit}, open orders counted" in told["limits"][0]
    assert any(f"(5000 {unit})" in oddity.effect for oddity in find_oddities(config, known))
