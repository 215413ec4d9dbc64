"""The summary counts what the log holds; money is exact."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from rich.console import Console

from tests.eventlog.builders import INVERSE, LINEAR, SECOND_NS, Life, every_kind, long_life
from trading_platform.metrics.performance import annualised, sharpe, sortino
from trading_platform.model.enums import EventKind, Side
from trading_platform.model.instrument import Instrument
from trading_platform.report.instrument_log import instrument_log
from trading_platform.report.summary import RunFacts, iso_utc, print_summary, summarize


def facts(life: Life, **more: object) -> RunFacts:
    events = life.events()
    first_ns, last_ns = (int(events["now_ns"][place]) for place in (0, -1)) if len(events) else (0, 0)
    known = RunFacts(1000, 50, 60, 0.5, 3, 2, first_ns, last_ns, 417_123_000, "ab" * 32, SECOND_NS)
    return replace(known, **more)


def test_counts_are_those_of_the_log() -> None:
    life = every_kind()
    orders = summarize(instrument_log(life.events()), LINEAR, facts(life))["orders"]
    assert orders == {
        "sent": 4,
        "cancels_sent": 2,
        "queries_sent": 1,
        "acked": 2,
        "denied": {"total": 42, "by_code": {"POSITION": 42}},  # one written, one that stands for 41 more
        "queued": {"total": 1, "by_code": {"IN_FLIGHT": 1}},
        "dequeued": {"total": 1, "by_code": {"DROPPED": 1}},
        "replaced": 1,
        "filled": 1,
        "canceled": 1,
        "expired": 1,
        "rejected": 1,
        "refused_by_venue": {"total": 2, "by_code": {"REJECTED": 1, "CANCEL_REJECTED": 1}},
        "unchanged": 3,
        "post_only_dropped": 2,
    }


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_money_is_exact_and_gross_is_net_before_fees(instrument: Instrument) -> None:
    life = long_life(300, instrument)
    pnl = summarize(instrument_log(life.events()), instrument, facts(life))["pnl"]
    last = life.events()[life.events()["kind"] == EventKind.PNL][-1]
    unit = Decimal(instrument.money_unit.numerator) / Decimal(instrument.money_unit.denominator)
    assert Decimal(pnl["net"]) == int(last["a"]) * unit
    assert Decimal(pnl["fees"]) == life.fee_money * unit
    assert Decimal(pnl["gross"]) == Decimal(pnl["net"]) + Decimal(pnl["fees"])
    assert pnl["currency"] == ("BTC" if instrument.inverse else "USDT")


def test_volume_of_both_kinds_of_contract_in_plain_numbers() -> None:
    for instrument, base, quote in ((LINEAR, "0.004", "246.8"), (INVERSE, "0.006482982172", "400")):
        life = Life(instrument)
        life.fill(life.order(Side.BUY, 617_000, 4), 4)
        fills = summarize(instrument_log(life.events()), instrument, facts(life))["fills"]
        assert (fills["volume_base"], fills["volume_quote"]) == (base, quote)


def test_fills_position_halts_and_anomalies_are_told() -> None:
    life = every_kind()
    summary = summarize(instrument_log(life.events()), LINEAR, facts(life))
    assert summary["fills"]["count"] == 3
    assert summary["fills"]["maker_share"] == pytest.approx(6 / 16)
    assert (summary["fills"]["estimated"], summary["fills"]["late"]) == (1, 1)
    assert summary["position"]["final_qty"] == summary["position"]["max_abs_qty"] == "0.016"
    assert summary["position"]["max_notional"] == "987.2"  # 0.016 at 61700.0
    assert summary["pnl"]["return_on_max_position"] == pytest.approx(-0.404183 / 987.2)
    assert summary["anomalies"] == {"total": 1, "by_code": {"UNKNOWN_ORDER": 1}}
    assert [halt["code"] for halt in summary["halts"]] == ["ANOMALY"]
    assert summary["pnl"]["max_drawdown"] == "0.417123"


def test_largest_position_counts_between_samples() -> None:
    life = Life()
    life.opening()
    life.pnl(1_234_000)
    life.fill(life.order(Side.SELL, 617_000, 9), 9)
    life.fill(life.order(Side.BUY, 617_000, 8), 8)
    life.position()
    life.pnl(1_234_000)
    position = summarize(instrument_log(life.events()), LINEAR, facts(life))["position"]
    assert (position["final_qty"], position["max_abs_qty"]) == ("-0.001", "0.009")


def test_ratios_state_their_sampling_interval() -> None:
    life = long_life(100)
    equity = life.events()[life.events()["kind"] == EventKind.PNL]["a"]
    ratios = summarize(instrument_log(life.events()), LINEAR, facts(life))["ratios"]
    assert ratios["sampling_interval_seconds"] == 1.0
    assert ratios["samples"] == 100
    assert ratios["sharpe_per_sample"] == pytest.approx(sharpe(np.diff(equity)))
    assert ratios["sortino_per_sample"] == pytest.approx(sortino(np.diff(equity)))
    assert ratios["sharpe_annualised_365d"] == pytest.approx(annualised(sharpe(np.diff(equity)), SECOND_NS))


def test_without_samples_ratios_are_not_defined_and_profit_is_nothing() -> None:
    life = Life()
    life.opening()
    for known in (facts(life, sample_interval_ns=0), facts(life)):
        summary = summarize(instrument_log(life.events()), LINEAR, known)
        assert summary["ratios"]["sharpe_annualised_365d"] is None
        assert (summary["pnl"]["net"], summary["pnl"]["return_on_max_position"]) == ("0", None)
        assert summary["fills"]["maker_share"] is None


def test_equity_carried_over_is_not_profit() -> None:
    life = Life()
    life.cash_ticklots = 100_000  # 10 USDT
    life.opening()
    life.pnl(1_234_000)
    pnl = summarize(instrument_log(life.events()), LINEAR, facts(life, opening_equity_money=10_000_000_000))[
        "pnl"
    ]
    assert pnl["net"] == "0"


def test_other_instruments_do_not_count() -> None:
    life = every_kind()
    events = life.events()
    events["instrument"][events["order_id"] == 2] = 1
    summary = summarize(instrument_log(events), LINEAR, facts(life))
    assert summary["fills"]["count"] == 2
    assert summary["log"]["events"] == len(events)


def test_times_are_iso_8601_with_nanoseconds() -> None:
    assert iso_utc(1_723_075_200_000_000_001) == "2024-08-08T00:00:00.000000001Z"
    assert iso_utc(999_999_999) == "1970-01-01T00:00:00.999999999Z"


@pytest.mark.parametrize("build", [every_kind, Life])
def test_summary_is_json_and_every_value_is_printed(build: type[Life]) -> None:
    life = build()
    summary = summarize(instrument_log(life.events()), LINEAR, facts(life))
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    console = Console(file=io.StringIO(), width=160)
    print_summary(summary, console)
    text = console.file.getvalue()
    for word in ("BTCUSDT", "return on max position", "sampling interval", "ab" * 32, "halts", "maker share"):
        assert word in text


def test_a_run_starts_without_the_libraries_of_tables() -> None:
    """polars and rich cost a good part of a warm start: only tables and printing load them."""
    code = (
        "import sys, trading_platform.report.summary, trading_platform.report.stats\n"
        "sys.exit(' '.join(name for name in ('polars', 'rich', 'pandas') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("size", [1, 7, 64])
def test_summary_is_the_same_however_the_log_is_cut(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are taken piece by piece."""
    life = every_kind()
    events, known = life.events(), facts(life)
    expected = summarize(instrument_log(events), LINEAR, known)
    monkeypatch.setattr("trading_platform.report.instrument_log.PIECE_EVENTS", size)

    assert json.dumps(summarize(instrument_log(events), LINEAR, known)) == json.dumps(expected)
