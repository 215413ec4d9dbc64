"""What a run came to, on one page: counts, money and ratios, derived from its event log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metrics.execution import maker_share, value_money
from ..metrics.performance import annualised, increments, sharpe, sortino
from ..model.enums import (
    AnomalyCode,
    CommandKind,
    DenyCode,
    EventFlag,
    EventKind,
    HaltCode,
    HoldCode,
    OrderStatus,
    ReportKind,
)
from ..model.instrument import Instrument
from ..model.units import NANO
from .instrument_log import Fills, InstrumentLog
from .sampling import EquitySamples, on_grid
from .select import Ints, decimal_text

if TYPE_CHECKING:
    from rich.console import Console

_TERMINAL = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED)


@dataclass(frozen=True)
class RunFacts:
    """What the log does not say about a run.

    Attributes
    ----------
    rows : market data rows replayed
    wakeups : calls of the strategy
    blocks : timestamp blocks folded
    wall_seconds : [s] of the loop
    noop_count : wishes that changed nothing
    dropped_count : post-only orders dropped because they would have crossed
    first_ns, last_ns : [ns] local clock at the first and the last block
    max_drawdown_money : [money] marked at every wakeup
    digest : of the log
    sample_interval_ns : [ns] between PNL events, 0 if they were off
    opening_equity_money : [money] equity carried over into the run, 0 for a fresh start
    """

    rows: int
    wakeups: int
    blocks: int
    wall_seconds: float
    noop_count: int
    dropped_count: int
    first_ns: int
    last_ns: int
    max_drawdown_money: int
    digest: str
    sample_interval_ns: int
    opening_equity_money: int = 0


def summarize(log: InstrumentLog, instrument: Instrument, facts: RunFacts) -> dict[str, Any]:
    """Return the summary of one instrument's run: nested dicts of JSON values.

    Amounts are exact decimal strings in the currency that stands next to them; ratios are numbers or None.

    Parameters
    ----------
    log : what the run's log says of the instrument
    """
    fills, samples = log.fills, log.samples
    notional = _max_notional_money(samples, fills, instrument)
    return {
        "instrument": instrument.name,
        "period": {
            "first": iso_utc(facts.first_ns),
            "last": iso_utc(facts.last_ns),
            "seconds": (facts.last_ns - facts.first_ns) / NANO,
        },
        "run": {
            "rows": facts.rows,
            "wakeups": facts.wakeups,
            "blocks": facts.blocks,
            "wall_seconds": facts.wall_seconds,
            "wakeups_per_second": facts.wakeups / facts.wall_seconds if facts.wall_seconds > 0 else None,
        },
        "orders": _orders(log.tally, facts),
        "fills": _fills(fills, instrument),
        "position": _position(log.tally, instrument, notional),
        "pnl": _pnl(samples, fills, instrument, facts, notional),
        "ratios": _ratios(samples, facts),
        "anomalies": _counts(log.tally["by_code"][EventKind.ANOMALY], AnomalyCode),
        "halts": [_halt(record, instrument) for record in log.halts],
        "log": {"events": log.log_events, "digest": facts.digest},
    }


def iso_utc(ns: int) -> str:
    """Return a time as ISO 8601 with all nine digits: 2024-08-08T00:00:00.000000001Z."""
    seconds, rest = divmod(ns, NANO)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _counts(by_code: Ints, enum: type[IntEnum]) -> dict[str, Any]:
    """Return the total, and the count of each code that occurs."""
    counts = {member.name: int(by_code[member]) for member in enum if by_code[member]}
    return {"total": int(by_code.sum()), "by_code": counts}


def _orders(tally: np.void, facts: RunFacts) -> dict[str, Any]:
    by_code, by_a = tally["by_code"], tally["by_a"]
    return {
        "sent": int(by_a[EventKind.SENT, CommandKind.NEW]),
        "cancels_sent": int(by_a[EventKind.SENT, CommandKind.CANCEL]),
        "queries_sent": int(by_code[EventKind.QUERY].sum()),
        "acked": int(by_a[EventKind.STATUS, ReportKind.ACK]),
        "denied": _counts(by_code[EventKind.DENIED], DenyCode),
        "queued": _counts(by_code[EventKind.QUEUED], HoldCode),
        "dequeued": _counts(by_code[EventKind.DEQUEUED], HoldCode),
        "replaced": int(by_code[EventKind.REPLACED].sum()),
        **{status.name.lower(): int(tally["ended"][status]) for status in _TERMINAL},
        "refused_by_venue": _counts(by_a[EventKind.VENUE_REJECT], ReportKind),
        "unchanged": facts.noop_count,
        "post_only_dropped": facts.dropped_count,
    }


def _fills(fills: Fills, instrument: Instrument) -> dict[str, Any]:
    """Return counts and volume. The traded value is quote currency (linear) or base currency (inverse)."""
    lots = int(fills.qty_lots.sum())
    value = sum(value_money(fills.qty_lots, 2 * fills.price_ticks, instrument).tolist())
    settled = decimal_text(value, instrument.money_unit)
    contracts = decimal_text(lots, Fraction(instrument.lot_size) * Fraction(instrument.contract_size))
    base, quote = (settled, contracts) if instrument.inverse else (contracts, settled)
    return {
        "count": len(fills),
        "maker_share": maker_share(fills.qty_lots, (fills.flags & EventFlag.MAKER) != 0),
        "estimated": int(((fills.flags & EventFlag.ESTIMATED) != 0).sum()),
        "late": int(((fills.flags & EventFlag.LATE) != 0).sum()),
        "base_currency": instrument.base_currency,
        "volume_base": base,
        "quote_currency": instrument.quote_currency,
        "volume_quote": quote,
    }


def _position(tally: np.void, instrument: Instrument, notional_money: int) -> dict[str, Any]:
    return {
        "final_qty": decimal_text(int(tally["final_lots"]), instrument.lot_size),
        "max_abs_qty": decimal_text(int(tally["most_lots"]), instrument.lot_size),
        "max_notional": decimal_text(notional_money, instrument.money_unit),
        "notional_currency": instrument.settlement_currency,
    }


def _max_notional_money(samples: EquitySamples, fills: Fills, instrument: Instrument) -> int:
    """Return the largest |position| times price [money], at fills and at samples."""
    lots = np.abs(np.concatenate([fills.net_lots, samples.net_lots]))
    halfticks = np.concatenate([2 * fills.price_ticks, samples.mark_halfticks])
    return int(value_money(lots, halfticks, instrument).max(initial=0))


def _pnl(
    samples: EquitySamples, fills: Fills, instrument: Instrument, facts: RunFacts, notional_money: int
) -> dict[str, Any]:
    """Return profit and loss of the run. Gross is before fees; a rebate is a negative fee."""
    equity = int(samples.equity_money[-1]) if len(samples) else facts.opening_equity_money
    net, fees = equity - facts.opening_equity_money, int(fills.fee_money.sum())
    unit = instrument.money_unit
    return {
        "currency": instrument.settlement_currency,
        "gross": decimal_text(net + fees, unit),
        "fees": decimal_text(fees, unit),
        "net": decimal_text(net, unit),
        "return_on_max_position": net / notional_money if notional_money else None,
        "max_drawdown": decimal_text(facts.max_drawdown_money, unit),
    }


def _ratios(samples: EquitySamples, facts: RunFacts) -> dict[str, Any]:
    """Return ratios of equity sampled on a regular grid; None where they are not defined."""
    interval_ns = facts.sample_interval_ns
    ratios: dict[str, Any] = {"sampling_interval_seconds": interval_ns / NANO if interval_ns else None}
    returns = increments(on_grid(samples, interval_ns).equity_money) if interval_ns else np.zeros(0, np.int64)
    per_sample = {"sharpe": sharpe(returns), "sortino": sortino(returns)}
    ratios["samples"] = len(returns)
    for name, ratio in per_sample.items():
        ratios[f"{name}_per_sample"] = ratio
        ratios[f"{name}_annualised_365d"] = annualised(ratio, interval_ns) if interval_ns else None
    return ratios


def _halt(record: np.void, instrument: Instrument) -> dict[str, Any]:
    return {
        "seq": int(record["seq"]),
        "time": iso_utc(int(record["now_ns"])),
        "code": HaltCode(int(record["code"])).name,
        "observed": decimal_text(int(record["a"]), instrument.money_unit),
        "limit": decimal_text(int(record["b"]), instrument.money_unit),
    }


def print_summary(summary: Mapping[str, Any], console: "Console") -> None:
    """Print a summary as a table, one section a group."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, title=escape(str(summary["instrument"])))
    table.add_column()
    table.add_column(overflow="fold")  # a digest is shown whole
    for name, group in summary.items():
        if name == "instrument":
            continue
        table.add_section()
        for label, value in _lines(name, group):
            table.add_row(escape(label), escape(value))
    console.print(table)


def _lines(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the rows of one group: nested groups are shown as ``outer inner``."""
    label = name.replace("_", " ")
    if isinstance(value, Mapping):
        if set(value) == {"total", "by_code"}:
            codes = ", ".join(f"{code} {count}" for code, count in value["by_code"].items())
            return [(label, f"{value['total']:,}" + (f" ({codes})" if codes else ""))]
        return [line for key, inner in value.items() for line in _lines(f"{name} {key}", inner)]
    if isinstance(value, list):
        texts = [" ".join(f"{key}={inner}" for key, inner in item.items()) for item in value]
        return [(label, "\n".join(texts) or "none")]
    if value is None:
        return [(label, "not defined")]
    if isinstance(value, int):
        return [(label, f"{value:,}")]
    return [(label, f"{value:,.6g}" if isinstance(value, float) else str(value))]
