"""``orders``: what became of the orders of a run, and of the wishes that never became one."""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .common import JsonOption, RunArgument, RunsOption, UsageError, console, find_run, next_step, print_json

if TYPE_CHECKING:
    from ..backtest.history.log import RunLog
    from ..report.order_list import Selection

NS_PER_S: Final = 1_000_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROWS: Final = 20  # shown unless --limit says otherwise
ROWS_MAX: Final = 10**9
LOTS_MAX: Final = 10**15
SPARE_COLUMNS: Final = (
    "average",
    "acked",
    "ended",
    "quantity",
    "filled",
    "slot",
)  # left out first in a narrow window
Many = list[str] | None


@dataclass(frozen=True)
class Listing:
    """How a list is cut and printed: ``again`` is the command line that shows it."""

    sort: str | None
    limit: int
    absolute: bool
    begin_ns: int
    again: str
    as_json: bool


def orders(
    run: RunArgument,
    order_id: Annotated[
        int | None, typer.Option("--id", min=1, help="Tell the story of one order: all its events.")
    ] = None,
    denied: Annotated[
        bool, typer.Option("--denied", help="List denials instead: why is there no order?")
    ] = False,
    status: Annotated[
        Many, typer.Option(help="open, or a status: filled, canceled, expired. Repeatable.")
    ] = None,
    side: Annotated[Many, typer.Option(help="buy or sell.")] = None,
    cause: Annotated[
        Many, typer.Option(help="Why it ended: replaced, expired. With --denied, the code. Repeatable.")
    ] = None,
    slot: Annotated[Many, typer.Option(help="Side and level: buy0, sell2. Repeatable.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Then or later: seconds since the start, or ISO 8601 (UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before then, given like --from.")] = None,
    min_fill: Annotated[str | None, typer.Option(help="Filled at least this quantity.")] = None,
    sort: Annotated[
        str | None, typer.Option(help='Column to sort by; "-" before it: the highest first.')
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, max=ROWS_MAX, help=f"Rows at most, else {ROWS}; 0: all.")
    ] = None,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Times in UTC, not since the start of the run.")
    ] = False,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the orders of a run, the story of one, or what was denied. Works for killed runs too.

    Example: trading-platform orders last --status filled --sort -filled
    """
    from ..backtest.history.log import open_run_log
    from ..report.units import Units, start_ns

    for_orders: dict[str, object] = {"--status": status, "--min-fill": min_fill}
    for_lists: dict[str, object] = {
        "--side": side,
        "--cause": cause,
        "--slot": slot,
        "--from": since,
        "--to": until,
    }
    if order_id is not None:
        more = {"--denied": denied or None, "--sort": sort, "--limit": limit}
        _refuse("--id", for_orders | for_lists | more)
    elif denied:
        _refuse("--denied", for_orders)
    opened = open_run_log(find_run(run, runs))
    again = shlex.join(["trading-platform", "orders", run, *(["--runs", str(runs)] if runs else [])])
    begin_ns = start_ns(opened.log.events)
    listing = Listing(sort, ROWS if limit is None else limit, absolute, begin_ns, again, as_json)
    if order_id is not None:
        _show_story(opened, order_id, listing)
        return
    from ..report.order_list import Selection

    from_ns, to_ns = _time("--from", since, begin_ns), _time("--to", until, begin_ns)
    _require_in_run(from_ns, to_ns, begin_ns, _last_ns(opened, begin_ns))
    wanted = Selection(
        statuses=_statuses(status),
        causes=_choices("--cause", cause, _causes(denied)),
        sides=_choices("--side", side, ("BUY", "SELL")),
        slots=tuple(_slot(text) for text in slot or ()),
        from_ns=from_ns,
        to_ns=to_ns,
        min_lots=_lots(min_fill, Units(opened.instrument)),
    )
    (_show_denials if denied else _show_orders)(opened, wanted, listing)
    if opened.record is None and not as_json:
        torn = f"; {opened.log.torn_bytes} bytes of a torn event follow" if opened.log.torn_bytes else ""
        typer.echo(f"the run is unfinished: it is running, or its process was killed{torn}", err=True)


def _last_ns(opened: "RunLog", begin_ns: int) -> int:
    """Return the time of the last event [ns]; where the run began if it was killed before its first block."""
    events = opened.log.events
    return int(events["now_ns"][-1]) if len(events) else begin_ns


# --- arguments


def _refuse(option: str, others: Mapping[str, object]) -> None:
    """Refuse options that another one makes meaningless: none is read and ignored."""
    for name, value in others.items():
        if value is not None:
            raise UsageError(f"{name} must be left out with {option}: it has no meaning there")


def _choices(option: str, texts: Many, known: Collection[str]) -> tuple[str, ...]:
    """Return names as the log spells them."""
    names = tuple(text.upper().replace("-", "_") for text in texts or ())
    for text, name in zip(texts or (), names, strict=True):
        if name not in known:
            raise UsageError(f"{option} must be one of {', '.join(sorted(known)).lower()}, was {text}")
    return names


def _statuses(texts: Many) -> tuple[str, ...]:
    from ..model.enums import OrderStatus
    from ..report.order_list import OPEN

    names = _choices("--status", texts, ["OPEN", *OrderStatus.__members__])
    return tuple(name for one in names for name in (OPEN if one == "OPEN" else (one,)))


def _causes(denied: bool) -> Collection[str]:
    from ..model.enums import DenyCode
    from ..report.orders import END_CAUSES

    return [code.name for code in DenyCode if code] if denied else END_CAUSES.categories.to_list()


def _slot(text: str) -> int:
    from ..report.units import slot_index

    found = re.fullmatch(r"(buy|sell)([0-9]{1,4})", text.lower())
    if found is None:
        raise UsageError(f"--slot must be a side and a level such as buy0 or sell2, was {text}")
    return slot_index(found[1], int(found[2]))


def _time(option: str, text: str | None, begin_ns: int) -> int | None:
    """Return a time as [ns]: seconds since the start of the run, or ISO 8601, UTC unless it says otherwise."""
    if text is None:
        return None
    try:
        seconds = Decimal(text)
        if seconds.is_finite():
            return begin_ns + int(seconds * NS_PER_S)
    except InvalidOperation:
        pass  # no number: a date, or nothing
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be seconds since the start of the run, or ISO 8601 as in 2024-08-01T00:00:30, was {text}"
        ) from None
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def _require_in_run(from_ns: int | None, to_ns: int | None, begin_ns: int, end_ns: int) -> None:
    """Raise UsageError for times between which nothing of the run can lie."""
    length = f"the run is {(end_ns - begin_ns) / NS_PER_S:,.3f} s long"
    if from_ns is not None and from_ns > end_ns:
        raise UsageError(f"--from must be a time of the run: {length}, and ended before")
    if to_ns is not None and to_ns <= begin_ns:
        raise UsageError(f"--to must be a time of the run: {length}, and began later")
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise UsageError("--from must be before --to")


def _lots(text: str | None, units: Any) -> int:
    if text is None:
        return 0
    try:
        lots = Decimal(text) / units.instrument.lot_size
        whole = int(lots)
    except (InvalidOperation, ValueError, OverflowError):
        whole = 0
    if not 1 <= whole <= LOTS_MAX:
        smallest = f"{units.qty(1)} {units.qty_unit}"
        raise UsageError(f"--min-fill must be a quantity from {smallest} up, was {text}")
    return whole if lots == whole else whole + 1


# --- what is shown


def _show_orders(opened: "RunLog", wanted: "Selection", listing: Listing) -> None:
    from ..report.fitting import print_fitting
    from ..report.order_list import (
        ORDER_SORTS,
        order_rows,
        order_table,
        order_totals,
        select_orders,
    )
    from ..report.units import Units
    from ..report.words import short_id

    sort = _sort(listing.sort or "id", ORDER_SORTS)
    every = opened.orders()
    chosen = select_orders(every, wanted, sort)
    shown = chosen.head(listing.limit) if listing.limit else chosen
    if listing.as_json:
        print_json(
            _head(opened) | {"total": len(every), "matching": len(chosen), "orders": order_rows(shown)}
        )
        return
    if len(shown):
        table = order_table(shown, [opened.instrument], listing.begin_ns, listing.absolute)
        print_fitting(table, console(), SPARE_COLUMNS)
        print(order_totals(chosen, Units(opened.instrument)))
    _cut(len(shown), len(chosen), len(every), "orders")
    if len(shown):
        filled = shown.filter(shown["cum_lots"] > 0)
        one = short_id((filled if len(filled) else shown)["order_id"][0])
        next_step(f"{listing.again} --id {one}  (the story of an order)")
    else:
        next_step(f"{listing.again} --denied  (why is there no order?)")


def _show_denials(opened: "RunLog", wanted: "Selection", listing: Listing) -> None:
    from ..report.fitting import print_fitting
    from ..report.order_list import (
        DENIAL_SORTS,
        denial_rows,
        denial_table,
        denial_totals,
        denials_frame,
        select_denials,
    )

    events, instruments = opened.log.events, [opened.instrument]
    sort = _sort(listing.sort or "time", DENIAL_SORTS)
    every = denials_frame(events, instruments)
    chosen = select_denials(every, wanted, sort)
    shown = chosen.head(listing.limit) if listing.limit else chosen
    if listing.as_json:
        rows = denial_rows(shown, events, instruments)
        print_json(_head(opened) | {"total": len(every), "matching": len(chosen), "denials": rows})
        return
    if len(shown):
        table = denial_table(shown, events, instruments, listing.begin_ns, listing.absolute)
        print_fitting(table, console(), ("seq", "quantity"))
        print(denial_totals(chosen))
    _cut(len(shown), len(chosen), len(every), "denials", "different denials")
    next_step(f"{listing.again}  (the orders that were sent)")


def _show_story(opened: "RunLog", number: int, listing: Listing) -> None:
    from ..report.story import find_order_id, order_range, order_story, print_story, story_rows

    events = opened.log.events
    order_id = find_order_id(events, number)
    if order_id is None:
        known = order_range(events)
        there = f"{known[0]} to {known[1]}" if known else "none: no order was sent, see --denied"
        raise UsageError(f"--id must be the id of an order of this run ({there}), was {number}")
    story = order_story(events, [opened.instrument], order_id)
    if listing.as_json:
        print_json(_head(opened) | story_rows(story, events, opened.names))
        return
    print_story(story, console(), listing.begin_ns, absolute=listing.absolute)
    follow = story.replaced_by[-1:] or story.replaces[-1:]
    if follow:
        from ..report.words import short_id

        where = "what took its place" if story.replaced_by else "what it replaced"
        next_step(f"{listing.again} --id {short_id(follow[0])}  ({where})")
    else:
        next_step(listing.again)


def _sort(text: str, known: Collection[str]) -> str:
    if text.removeprefix("-") not in known:
        raise UsageError(f'--sort must be one of {", ".join(known)}, with "-" before it or not, was {text}')
    return text


def _head(opened: "RunLog") -> dict[str, Any]:
    return {
        "run": str(opened.directory),
        "instrument": opened.instrument.name,
        "torn_bytes": opened.log.torn_bytes,
    }


def _cut(shown: int, chosen: int, every: int, what: str, counted: str = "") -> None:
    """Say what is not on the screen; ``counted`` is what the numbers count, if that is not ``what``."""
    of = f" (of {every:,} in the run)" if chosen != every else ""
    if not chosen:
        print(f"no {what} match{of}" if every else f"the run has no {what}")
    elif shown < chosen:
        print(f"{shown:,} of {chosen:,} {counted or what} shown{of}: --limit 0 shows all")
    elif of:
        print(f"{chosen:,} {counted or what}{of}")
