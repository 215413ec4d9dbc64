"""The result on one screen says what the summary says, and hides nothing that went wrong."""

import io
from typing import Any

import pytest
from rich.console import Console

from tests.eventlog.builders import LINEAR, Life, every_kind, long_life
from trading_platform.report.instrument_log import instrument_log
from trading_platform.report.result import print_result
from trading_platform.report.summary import summarize

from .test_summary import facts


def printed(summary: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_result(summary, console)
    text: str = console.file.getvalue()
    return text


def lines(summary: dict[str, Any]) -> dict[str, str]:
    """Return label -> text of the rows."""
    rows = [line.rstrip().partition("  ") for line in printed(summary).splitlines()[1:]]
    return {label: text.strip() for label, _, text in rows}


def test_amounts_are_those_of_the_summary_unrounded() -> None:
    life = long_life(300)
    summary = summarize(instrument_log(life.events()), LINEAR, facts(life))
    shown = lines(summary)

    assert shown["net profit"].replace(",", "").startswith(f"{summary['pnl']['net']} USDT (fees ")
    assert shown["max drawdown"].replace(",", "") == f"{summary['pnl']['max_drawdown']} USDT"
    assert shown["digest"] == "ab" * 32
    assert f"{summary['fills']['count']:,}, " in shown["fills"]


def test_what_went_wrong_is_on_the_screen() -> None:
    life = every_kind()
    summary = summarize(instrument_log(life.events()), LINEAR, facts(life))
    shown = lines(summary)

    assert shown["orders"] == "4 sent: 1 filled, 1 canceled, 1 expired, 1 rejected"
    assert shown["denied"] == "42: POSITION 42"
    assert shown["refused"] == "2: REJECTED 1, CANCEL_REJECTED 1"
    assert shown["halted"].startswith(summary["halts"][0]["code"])
    assert shown["anomalies"].startswith(f"{summary['anomalies']['total']}: ")


def test_a_run_without_anything_has_no_empty_rows() -> None:
    life = Life()
    shown = lines(summarize(instrument_log(life.events()), LINEAR, facts(life)))

    assert shown["orders"] == "0 sent"
    assert shown["fills"] == "none"
    assert not {"denied", "waited", "refused", "halted", "anomalies", "Sharpe ratio"} & set(shown)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (62.4, "1 min 2 s"), (3_600, "1 h 0 min 0 s"), (90_061, "25 h 1 min 1 s")],
)
def test_durations_are_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    life = Life()
    summary = summarize(instrument_log(life.events()), LINEAR, facts(life))
    summary["period"]["seconds"] = seconds

    assert f"({text})" in printed(summary)
