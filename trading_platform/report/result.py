"""The result of a run on one screen: what somebody wants to know right after it. `summary` has everything."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_ENDS = ("filled", "canceled", "expired", "rejected")


def print_result(summary: Mapping[str, Any], console: "Console") -> None:
    """Print the result of one instrument.

    Parameters
    ----------
    summary : as `summary.summarize` returns it
    """
    from rich.markup import escape
    from rich.table import Table

    period = summary["period"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")  # a digest is shown whole
    for label, text in _rows(summary):
        table.add_row(label, escape(text))
    console.print(
        f"[bold]{escape(summary['instrument'])}[/bold]  {period['first'][:19]} to {period['last'][:19]} UTC "
        f"({_duration(period['seconds'])})"
    )
    console.print(table)


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    run, pnl, fills, position = (summary[name] for name in ("run", "pnl", "fills", "position"))
    yield "net profit", f"{_amount(pnl['net'])} {pnl['currency']} (fees {_amount(pnl['fees'])})"
    yield "max drawdown", f"{_amount(pnl['max_drawdown'])} {pnl['currency']}"
    yield (
        "position",
        f"{_amount(position['final_qty'])} at the end, {_amount(position['max_abs_qty'])} at most",
    )
    yield from _flow(summary["orders"])
    yield "fills", _fills(fills)
    sharpe, seconds = summary["ratios"]["sharpe_per_sample"], summary["ratios"]["sampling_interval_seconds"]
    if sharpe is not None:
        yield "Sharpe ratio", f"{sharpe:.4f} per {seconds:g} s, not annualised"
    for halt in summary["halts"]:
        yield (
            "halted",
            f"{halt['code']} at {halt['time']}: {_amount(halt['observed'])}, limit {_amount(halt['limit'])}",
        )
    if summary["anomalies"]["total"]:
        yield "anomalies", _counts(summary["anomalies"])
    yield (
        "speed",
        (
            f"{run['rows']:,} rows, {run['wakeups']:,} wakeups in {run['wall_seconds']:.2f} s"
            + (f" ({run['wakeups_per_second']:,.0f} a second)" if run["wakeups_per_second"] else "")
        ),
    )
    yield "digest", summary["log"]["digest"]


def _flow(orders: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ends = ", ".join(f"{orders[end]:,} {end}" for end in _ENDS if orders[end])
    yield "orders", f"{orders['sent']:,} sent" + (f": {ends}" if ends else "")
    if orders["denied"]["total"]:
        yield "denied", _counts(orders["denied"])
    if orders["queued"]["total"]:
        yield "waited", _counts(orders["queued"])
    if orders["refused_by_venue"]["total"]:
        yield "refused", _counts(orders["refused_by_venue"])


def _fills(fills: Mapping[str, Any]) -> str:
    if not fills["count"]:
        return "none"
    text = f"{fills['count']:,}, {fills['maker_share']:.0%} as maker, {_amount(fills['volume_base'])} "
    text += f"{fills['base_currency']} for {_amount(fills['volume_quote'])} {fills['quote_currency']}"
    estimated = f", {fills['estimated']:,} with estimated prices" if fills["estimated"] else ""
    late = f", {fills['late']:,} late" if fills["late"] else ""
    return text + estimated + late


def _counts(counts: Mapping[str, Any]) -> str:
    """Return "5,093: SELF_CROSS 3,133, POSITION 1,960"."""
    codes = ", ".join(f"{code} {count:,}" for code, count in counts["by_code"].items())
    return f"{counts['total']:,}: {codes}"


def _amount(text: str) -> str:
    """Return an exact decimal with thousands separators; nothing is rounded."""
    return f"{Decimal(text):,f}"


def _duration(seconds: float) -> str:
    """Return "1 h 12 min 30 s", without the parts that are 0 at the front."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min {rest} s"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.3g} s"
