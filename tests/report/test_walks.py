"""The compiled walks over a log find what a plain reading of it finds."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.eventlog.builders import INVERSE, LINEAR, every_kind, long_life
from trading_platform.eventlog.schema import EventArray
from trading_platform.model.enums import CommandKind, EventFlag, EventKind, OrderStatus, ReportKind
from trading_platform.model.errors import EventLogError
from trading_platform.report.instrument_log import instrument_log
from trading_platform.report.order_walk import order_places, orders_at
from trading_platform.report.orders import orders_frame

K = EventKind
STEPS = (K.SENT, K.STATUS, K.FILL, K.VENUE_REJECT, K.REPLACED)
SEEDS = range(20)


def shuffled(seed: int) -> EventArray:
    """Return a log in disorder: steps come in any order, ids repeat, heirs stand before parents."""
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    events = long_life(40, seed=seed).events()
    ids = int(events["order_id"].max())
    named = random.integers(1, 10 * ids, ids + 1)
    named[: ids // 4] = named[ids // 2]  # one order that is sent, acknowledged and ended many times
    named[0] = 0
    events["order_id"] = named[events["order_id"]]
    order = random.permutation(len(events))
    for name in EVENT_NAMES:
        if name not in ("seq", "now_ns"):
            events[name] = events[name][order]
    replaced = np.isin(events["kind"], STEPS) & (random.random(len(events)) < 0.2)
    events["kind"][replaced] = K.REPLACED
    events["parent_order_id"] = random.choice(named, len(events))
    events["cause_seq"] = random.integers(0, events["seq"])
    events["instrument"] = random.integers(0, 2, len(events))
    return events


EVENT_NAMES = every_kind().events().dtype.names or ()


def read_plainly(events: EventArray) -> dict[int, dict[str, Any]]:
    """Return the facts of each order, told by the words of the docs."""
    orders: dict[int, dict[str, Any]] = {}
    heirs: dict[int, int] = {}
    for event in events:
        if event["kind"] not in STEPS:
            continue
        kind, order_id = K(int(event["kind"])), int(event["order_id"])
        order = orders.setdefault(order_id, {"first": event, "fills": []})
        order["last"] = event
        if kind == K.SENT and event["a"] == CommandKind.NEW:
            order.setdefault("sent", event)
        if kind == K.SENT and event["a"] == CommandKind.CANCEL:
            order["cancel"] = event
        if kind == K.STATUS and event["a"] == ReportKind.ACK:
            order.setdefault("acked", event)
        if event["status_to"] >= OrderStatus.FILLED > event["status_from"]:
            order.setdefault("ended", event)
        if kind == K.FILL:
            order["fills"].append(event)
        if kind == K.REPLACED:
            parent = int(event["parent_order_id"])
            heirs[parent] = max(heirs.get(parent, 0), order_id)
    for order_id, order in orders.items():
        order["heir"] = heirs.get(order_id)
    return orders


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_of_orders_is_what_its_events_say(seed: int) -> None:
    events = shuffled(seed)
    instruments = [LINEAR, INVERSE]
    expected = read_plainly(events)
    frame = orders_frame(events, instruments)
    assert frame["order_id"].to_list() == sorted(expected)
    for row in frame.iter_rows(named=True):
        order = expected[row["order_id"]]
        first, fills, sent = order["first"], order["fills"], order.get("sent")
        for name in ("parent_order_id", "instrument", "account", "strategy", "tag"):
            assert row[name] == first[name]
        assert row["replaced_by"] == order["heir"]
        assert row["sent_seq"] == (None if sent is None else sent["seq"])
        assert row["price_ticks"] == (None if sent is None else sent["price_ticks"])
        assert row["order_lots"] == (None if sent is None else sent["qty_lots"])
        for name in ("acked", "ended"):
            assert (row[name] is None) == (name not in order)
        assert row["fill_count"] == len(fills)
        assert row["cum_lots"] == max([0, *(int(fill["b"]) for fill in fills)])
        assert row["fee_money"] == sum(int(fill["a"]) for fill in fills)
        assert row["maker_lots"] == sum(int(f["qty_lots"]) for f in fills if f["flags"] & EventFlag.MAKER)
        if fills:
            sizes = [float(instruments[fill["instrument"]].tick_size) for fill in fills]
            values = [f["qty_lots"] * f["price_ticks"] * size for f, size in zip(fills, sizes, strict=True)]
            lots = sum(int(fill["qty_lots"]) for fill in fills)
            assert row["average_price"] == pytest.approx(sum(values) / lots)
        status, cancel = OrderStatus(int(order["last"]["status_to"])), order.get("cancel")
        cause = 0 if cancel is None or not cancel["cause_seq"] else events["kind"][cancel["cause_seq"] - 1]
        assert row["end_cause"] == end_cause(status, order["heir"], cause)


def end_cause(status: OrderStatus, heir: int | None, cause: int) -> str | None:
    if status < OrderStatus.FILLED:
        return None
    if status != OrderStatus.CANCELED:
        return status.name
    if heir is not None:
        return "REPLACED"
    return {0: "CANCELED_BY_VENUE", K.HALT: "CANCELED_BY_HALT"}.get(cause, "CANCELED_ON_REQUEST")


def test_orders_are_found_however_little_room_there_is_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    events = shuffled(1)
    expected = order_places(events)
    monkeypatch.setattr("trading_platform.report.order_walk._ROOM", 1)

    assert len(expected) > 2
    assert order_places(events).tobytes() == expected.tobytes()


def test_ids_that_are_far_apart_are_found() -> None:
    events = every_kind().events()
    steps = np.flatnonzero(np.isin(events["kind"], STEPS))
    events["order_id"][steps] = np.where(events["order_id"][steps] % 2, 2**62, -(2**62) - 10**9)

    assert order_places(events)["order_id"].tolist() == [-(2**62) - 10**9, 2**62]


@pytest.mark.parametrize(
    ("field", "value", "counted"),
    [("kind", 30, 0), ("kind", 255, 0), ("status_to", 255, 1), ("a", 2**40, 0), ("a", -1, 0)],
)
def test_a_damaged_log_is_counted_within_the_tables(field: str, value: int, counted: int) -> None:
    """Logs are checked when they are written; no reader's memory depends on that."""
    events = long_life(5).events()
    events[field] = value
    log = instrument_log(events)

    assert bool(log.tally["by_a"].sum()) == counted
    assert (log.tally["ended"].sum() == 0) == (field != "a")
    assert log.log_events == len(events)


@pytest.mark.parametrize("seed", SEEDS)
def test_times_of_an_order_are_exact(seed: int) -> None:
    events = shuffled(seed)
    expected = read_plainly(events)
    orders = orders_at(events, order_places(events), [LINEAR, INVERSE])
    for order in orders:
        known = expected[int(order["order_id"])]
        for name in ("sent", "acked", "ended"):
            assert order[f"{name}_ns"] == (known[name]["now_ns"] if name in known else -1)


def test_an_order_of_an_unknown_instrument_is_refused() -> None:
    events = every_kind().events()
    events["instrument"][events["order_id"] == 2] = 1
    with pytest.raises(EventLogError, match="events are of instrument 1, was given 1"):
        orders_frame(events, [LINEAR])


@pytest.mark.parametrize("instrument", [0, 1])
@pytest.mark.parametrize("seed", SEEDS)
def test_counts_fills_and_samples_are_those_of_one_instrument(seed: int, instrument: int) -> None:
    events = shuffled(seed)
    log = instrument_log(events, instrument)
    own = [event for event in events if event["instrument"] == instrument]
    of = {kind: [event for event in own if event["kind"] == kind] for kind in K}
    tally = log.tally
    for kind in K:
        weights = Counter[int]()
        for event in of[kind]:
            again = kind == K.DENIED and event["flags"] & EventFlag.COALESCED
            weights[min(int(event["code"]), 255)] += int(event["c"]) if again else 1
        assert {code: n for code, n in enumerate(tally["by_code"][kind].tolist()) if n} == dict(+weights)
    for kind in (K.SENT, K.STATUS, K.VENUE_REJECT):
        said = Counter(int(event["a"]) for event in of[kind])
        assert {a: n for a, n in enumerate(tally["by_a"][kind].tolist()) if n} == dict(said)
    ended = Counter(
        int(event["status_to"])
        for event in own
        if event["kind"] in (K.STATUS, K.FILL, K.VENUE_REJECT)
        and event["status_to"] >= OrderStatus.FILLED > event["status_from"]
    )
    assert {status: n for status, n in enumerate(tally["ended"].tolist()) if n} == dict(ended)
    known = [int(event["qty_lots"]) for event in own if event["kind"] in (K.OPENING, K.POSITION, K.PNL)]
    assert tally["final_lots"] == ([0, *known])[-1]
    assert tally["most_lots"] == max(map(abs, [0, *known, *(int(fill["c"]) for fill in of[K.FILL])]))
    assert tally["opening_fee_money"] == sum(int(event["c"]) for event in of[K.OPENING])
    for name, field in (("seq", "seq"), ("fee_money", "a"), ("net_lots", "c"), ("flags", "flags")):
        assert getattr(log.fills, name).tolist() == [int(fill[field]) for fill in of[K.FILL]]
    marked = [int(event["seq"]) for event in of[K.PNL] if event["b"] > 0]
    assert log.samples.seq.tolist() == marked
    assert log.halts.tolist() == [event.tolist() for event in of[K.HALT]]
    assert log.log_events == len(events)
