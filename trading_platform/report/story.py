"""The story of one order: every event that concerns it, from the wish to the end, with the times between."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..eventlog.export import LogNames, to_rows
from ..eventlog.schema import EventArray
from ..model.enums import CommandKind, EventKind, HoldCode
from ..model.errors import EventLogError
from ..model.ids import ORDER_COUNTER_BITS
from ..model.instrument import Instrument
from ..model.records import NO_SLOT
from .select import Ints
from .units import Units, slot_name, span_text, time_text
from .words import event_words, short_id

if TYPE_CHECKING:
    from rich.console import Console

_OUTCOMES: Final = (EventKind.SENT, EventKind.QUEUED, EventKind.DEQUEUED, EventKind.DENIED)


@dataclass(frozen=True)
class StoryLine:
    """One event of the story.

    Attributes
    ----------
    index : of the event in the log
    seq, now_ns, kind : as in the log, times [ns] of the local clock
    since_previous_ns : [ns] since the line before, 0 in the first
    since_intent_ns : [ns] since the first line, which is the wish that made the order if the log has it
    text : in plain words
    """

    index: int
    seq: int
    now_ns: int
    kind: EventKind
    since_previous_ns: int
    since_intent_ns: int
    text: str


@dataclass(frozen=True)
class OrderStory:
    """What became of one order.

    Attributes
    ----------
    order_id : with its session epoch
    slot : side and level, e.g. buy0; "" if it belongs to none
    replaces : ids of the orders whose place it took or was to take
    replaced_by : ids of the orders sent to take its place
    earlier_wishes : wishes for its slot that waited and were superseded one by the other before the one that made it
    earlier_ns : [ns] from the first of them to the first line, 0 without any
    lines : by seq
    """

    order_id: int
    slot: str
    replaces: tuple[int, ...]
    replaced_by: tuple[int, ...]
    earlier_wishes: int
    earlier_ns: int
    lines: tuple[StoryLine, ...]


def find_order_id(events: EventArray, number: int) -> int | None:
    """Return the full id of an order from its full or short id (lower 40 bits), None if the log has none such."""
    ids = _order_ids(events)
    if number >> ORDER_COUNTER_BITS == 0:
        ids = ids[(ids & ((1 << ORDER_COUNTER_BITS) - 1)) == number]
    else:
        ids = ids[ids == number]
    return int(ids[-1]) if len(ids) else None


def order_range(events: EventArray) -> tuple[int, int] | None:
    """Return the lowest and the highest short id in a log, None if it has no orders."""
    ids = _order_ids(events)
    return (short_id(int(ids[0])), short_id(int(ids[-1]))) if len(ids) else None


def order_story(events: EventArray, instruments: Sequence[Instrument], order_id: int) -> OrderStory:
    """Return the story of an order.

    It has the order's own events; the wishes that made it or were about it, and what became of them (waited, denied,
    given up, sent); what was sent in its place; and halts while it lived.

    Parameters
    ----------
    events : EVENT, a whole log: causes are looked up by seq
    instruments : the list that the field ``instrument`` indexes
    order_id : with its session epoch, see find_order_id

    Raises
    ------
    EventLogError : the log has no such order
    """
    own = np.flatnonzero(events["order_id"] == order_id)
    if not len(own):
        raise EventLogError(f"order {order_id} must be in the log, is absent")
    first = events[own[0]]
    children = _children(events, order_id)
    wishes = _wishes(events, own, order_id)
    outcomes = _outcomes(events, wishes)
    halts = _halts(events, int(own[0]), int(own[-1]), int(first["instrument"]))
    places = np.unique(np.concatenate([own, children, wishes, outcomes, halts]))
    units = Units(instruments[int(first["instrument"])])
    earlier, earlier_since = _earlier_wishes(events, own)
    lines = _lines(events, places, order_id, units)
    sent_children = events.take(children)
    parents = {int(number) for number in events["parent_order_id"][own] if number}
    return OrderStory(
        order_id=order_id,
        slot="" if first["slot"] == NO_SLOT else slot_name(int(first["slot"])),
        replaces=tuple(sorted(parents - {order_id})),
        replaced_by=tuple(sorted({int(number) for number in sent_children["order_id"]})),
        earlier_wishes=earlier,
        earlier_ns=lines[0].now_ns - earlier_since if earlier else 0,
        lines=lines,
    )


def _order_ids(events: EventArray) -> Ints:
    """Return the ids of all orders of a log, ascending."""
    ids: Ints = np.unique(events["order_id"])
    return ids[ids > 0]


def _at_seq(events: EventArray, seqs: Ints) -> Ints:
    """Return where the events with these seqs are; seqs that are not in this log are left out."""
    places = np.unique(seqs) - int(events["seq"][0])
    known: Ints = places[(places >= 0) & (places < len(events))]
    return known


def _children(events: EventArray, order_id: int) -> Ints:
    """Return the sending, and the completion, of what took the order's place."""
    theirs: Ints = np.flatnonzero((events["parent_order_id"] == order_id) & (events["order_id"] != order_id))
    found = events.take(theirs)
    sent = (found["kind"] == EventKind.SENT) & (found["a"] == CommandKind.NEW)
    chosen: Ints = theirs[sent | (found["kind"] == EventKind.REPLACED)]
    return chosen


def _wishes(events: EventArray, own: Ints, order_id: int) -> Ints:
    """Return the intents that the order's commands came from, and those that were about it while it worked."""
    intents = events["kind"] == EventKind.INTENT
    about = np.flatnonzero(intents & (events["ref"] == order_id))
    causes = _at_seq(events, events["cause_seq"][own])
    return np.union1d(about, causes[intents[causes]])


def _outcomes(events: EventArray, wishes: Ints) -> Ints:
    """Return what became of wishes; denials that repeat hang on the first denial."""
    kinds = np.isin(events["kind"], _OUTCOMES)
    outcomes = np.flatnonzero(kinds & np.isin(events["cause_seq"], events["seq"][wishes]))
    denials = outcomes[events["kind"][outcomes] == EventKind.DENIED]
    repeats = kinds & np.isin(events["cause_seq"], events["seq"][denials])
    return np.union1d(outcomes, np.flatnonzero(repeats & (events["kind"] == EventKind.DENIED)))


def _halts(events: EventArray, first: int, last: int, instrument: int) -> Ints:
    """Return halts of the instrument between the order's first event and its last."""
    life = events[first : last + 1]
    return first + np.flatnonzero((life["kind"] == EventKind.HALT) & (life["instrument"] == instrument))


def _earlier_wishes(events: EventArray, own: Ints) -> tuple[int, int]:
    """Return how many wishes for the slot waited in vain before the one that made the order, and since when [ns]."""
    sent = own[(events["kind"][own] == EventKind.SENT) & (events["a"][own] == CommandKind.NEW)]
    wish = _at_seq(events, events["cause_seq"][sent[:1]])
    if not len(wish):
        return 0, 0
    event = events[wish[0]]
    before = events[: wish[0]]
    in_slot = (before["slot"] == event["slot"]) & (before["instrument"] == event["instrument"])
    ends = np.flatnonzero(in_slot & np.isin(before["kind"], _OUTCOMES) & (before["kind"] != EventKind.QUEUED))
    count, since_ns = 0, 0
    for end in ends[::-1]:
        given_up = before[end]
        if given_up["kind"] != EventKind.DEQUEUED or given_up["code"] != HoldCode.SUPERSEDED:
            break
        asked = _at_seq(events, np.array([given_up["cause_seq"]]))
        if not len(asked) or events["ref"][asked[0]]:
            break  # a wish about the order before: it is part of that one's story
        count, since_ns = count + 1, int(events["now_ns"][asked[0]])
    return count, since_ns


def _lines(events: EventArray, places: Ints, order_id: int, units: Units) -> tuple[StoryLine, ...]:
    lines: list[StoryLine] = []
    for place in places:
        event = events[place]
        cause = _cause(events, event)
        now_ns = int(event["now_ns"])
        lines.append(
            StoryLine(
                index=int(place),
                seq=int(event["seq"]),
                now_ns=now_ns,
                kind=EventKind(int(event["kind"])),
                since_previous_ns=now_ns - lines[-1].now_ns if lines else 0,
                since_intent_ns=now_ns - lines[0].now_ns if lines else 0,
                text=event_words(event, cause, order_id, units),
            )
        )
    return tuple(lines)


def story_rows(story: OrderStory, events: EventArray, names: LogNames) -> dict[str, Any]:
    """Return a story as JSON values; ``event`` of each line is the row that ``export`` writes."""
    rows = to_rows(events.take([line.index for line in story.lines]), names)
    return {
        "order_id": story.order_id,
        "short_id": short_id(story.order_id),
        "slot_name": story.slot,
        "replaces": list(story.replaces),
        "replaced_by": list(story.replaced_by),
        "earlier_wishes": story.earlier_wishes,
        "earlier_ns": story.earlier_ns,
        "lines": [
            {
                "text": line.text,
                "since_previous_ns": line.since_previous_ns,
                "since_intent_ns": line.since_intent_ns,
                "event": row,
            }
            for line, row in zip(story.lines, rows, strict=True)
        ],
    }


def _cause(events: EventArray, event: np.void) -> np.void | None:
    places = _at_seq(events, np.array([event["cause_seq"]]))
    if not event["cause_seq"] or not len(places):
        return None
    cause: np.void = events[int(places[0])]
    return cause


def print_story(story: OrderStory, console: "Console", begin_ns: int, *, absolute: bool = False) -> None:
    """Print a story as a table, its times since ``begin_ns`` [ns], or in UTC."""
    from rich.markup import escape

    from .fitting import plain_table, print_fitting

    table = plain_table("seq", "time", "+", "since wish", "what", folded=("what",))
    for line in story.lines:
        table.add_row(
            str(line.seq),
            time_text(line.now_ns, begin_ns, absolute, 6),
            span_text(line.since_previous_ns) if line.since_previous_ns else "",
            span_text(line.since_intent_ns) if line.since_intent_ns else "",
            escape(line.text),
        )
    slot = f", slot {story.slot}" if story.slot else ""
    console.print(f"[bold]order {short_id(story.order_id)}[/bold]{slot}")
    if story.earlier_wishes:
        console.print(
            f"before that {_wishes_text(story.earlier_wishes)} for this slot waited and gave way to a newer one, "
            f"the first {span_text(story.earlier_ns)} earlier"
        )
    print_fitting(table, console, ("seq", "since wish", "+"))
    for label, ids in (("replaces", story.replaces), ("replaced by", story.replaced_by)):
        if ids:
            console.print(f"{label} order {', '.join(str(short_id(number)) for number in ids)}")


def _wishes_text(count: int) -> str:
    return "one wish" if count == 1 else f"{count:,} wishes"
