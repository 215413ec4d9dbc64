"""The commands of a log, sent again to hftbacktest alone: what the engine made of each order, from its own records."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hftbacktest.order import CANCELED, EXPIRED, FILLED

from trading_platform.config.run import RunConfig
from trading_platform.model.enums import CommandKind, EventFlag, EventKind, TimeInForce

from .builders import Done, Events
from .raw_loop import END, FEED, OK, RESPONSE, Raw, leaves_of, raw_engine, shade_lots_of

ENDED: Final = (FILLED, CANCELED, EXPIRED)


@dataclass(frozen=True)
class Chunk:
    """What was filled of an order in one block: of a taker the engine shows ``last_lots`` at ``last_ticks`` alone.

    A maker is filled at its own price: there ``last_lots`` are all of them.
    """

    order_id: int
    now_ns: int
    lots: int
    last_lots: int
    last_ticks: int
    maker: bool


@dataclass(frozen=True)
class Taker:
    """An immediate-or-cancel order as it was sent: what it asked for, and what the best level held in that block."""

    order_id: int
    lots: int
    best_lots: int


@dataclass
class Mirror:
    """What the bare engine made of a run's commands."""

    chunks: list[Chunk]
    takers: list[Taker]


def mirror(config: RunConfig, done: Done) -> Mirror:
    """Send the commands of a run to an engine of its own, each in the block in which the log says it was sent."""
    raw, seen = raw_engine(config), Mirror([], [])
    lot_size, shade = float(config.instrument.lot_size), shade_lots_of(config)
    tick_size = float(config.instrument.tick_size)
    sent, at = done.of(EventKind.SENT), 0
    live: dict[int, int] = {}  # order id -> leaves [lots]
    code = OK
    while code != END:
        code = raw.wait()
        assert code in (OK, END, FEED, RESPONSE), f"the engine returned {code} at {raw.now_ns} ns"
        seen.chunks.extend(_filled(raw, live, lot_size))
        while at < len(sent) and sent[at]["now_ns"] == raw.now_ns:
            command, order_id = sent[at], int(sent[at]["order_id"])
            at += 1
            if command["a"] == CommandKind.CANCEL:
                assert raw.cancel(order_id) == OK
                continue
            side, lots, tif = int(command["side"]), int(command["qty_lots"]), int(command["tif"])
            price = int(command["price_ticks"]) * tick_size
            assert raw.submit(side, order_id, price, (lots - shade) * lot_size, tif) == OK
            live[order_id] = lots
            if tif == TimeInForce.IOC:
                seen.takers.append(Taker(order_id, lots, round(raw.best_qty(-side) / lot_size)))
    raw.close()
    assert at == len(sent), f"command {at} of {len(sent)} was sent in no block of the engine"
    return seen


def _filled(raw: Raw, live: dict[int, int], lot_size: float) -> Iterator[Chunk]:
    ended = False
    for order_id in sorted(live):
        order = raw.order(order_id)
        leaves_lots = leaves_of(order, lot_size)
        if leaves_lots < live[order_id]:
            lots, maker = live[order_id] - leaves_lots, bool(order["maker"])
            last_lots = lots if maker else round(float(order["exec_qty"]) / lot_size)
            last_ticks = int(order["exec_price_tick"])
            yield Chunk(order_id, raw.now_ns, lots, last_lots, last_ticks, maker)
        live[order_id] = leaves_lots
        if order["status"] in ENDED:
            ended = True
            del live[order_id]
    if ended:
        raw.forget_ended()


def blocks_of(fills: Events) -> list[Events]:
    """Return the fills of a log, those of one order and block together, in the order of their first."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, fill in enumerate(fills):
        groups.setdefault((int(fill["order_id"]), int(fill["now_ns"])), []).append(index)
    return [fills[group] for group in groups.values()]


def chunk_of(block: Events) -> Chunk:
    """Return what the fills of one order in one block come to."""
    last, maker = block[-1], bool(block[-1]["flags"] & EventFlag.MAKER)
    lots, last_ticks = int(block["qty_lots"].sum()), int(last["price_ticks"])
    return Chunk(int(last["order_id"]), int(last["now_ns"]), lots, int(last["qty_lots"]), last_ticks, maker)
