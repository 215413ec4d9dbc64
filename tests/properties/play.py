"""A script is played by core and twin side by side; after every block they must agree on everything.

Beside that, the promises of the core are checked on its own arrays: they must hold even where the twin is wrong too.
"""

from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from semantics.harness import START_NS, Command, Session, intent_ends

from trading_platform.model.enums import (
    CommandKind,
    EventKind,
    Held,
    HoldCode,
    OrderStatus,
    ReportKind,
)
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import EVENT, NEVER, NO_SLOT

from .script import BUY, SELL, Block, Contract, Rate, Script, Setup
from .twin import Event, Twin

BLANK: Final[Event] = dict.fromkeys(EVENT.names or (), 0) | {"slot": NO_SLOT}
ORDER_FIELDS: Final = (
    "order_id", "replaces_id", "slot", "side", "order_type", "tif", "price_ticks", "order_lots", "cum_lots",
    "leaves_lots", "status", "pending", "pending_since_ns", "replace_done", "new_seq", "cancel_seq", "last_seq",
)  # fmt: skip
SLOT_FIELDS: Final = (
    "order_row", "held", "held_price_ticks", "held_lots", "held_code", "held_replaces_id", "reserved_lots",
)  # fmt: skip


class Disagreement(AssertionError):
    """Core and twin, or core and promise, do not agree; the message carries the script."""


def play(script: Script) -> None:
    """Play a script to its end.

    Raises
    ------
    Disagreement : at the first block after which core and twin differ or a promise is broken
    """
    game = Game(script.setup)
    try:
        for block in script.blocks:
            game.block(block)
        game.end(script.last)
        game.check_history(script)
    except AssertionError as error:
        at = f"block {game.blocks} of {len(script.blocks)}"
        raise Disagreement(f"{at}: {error}\nthe session, to keep it: {script!r}") from error


class Game:
    """Core and twin of one session."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.core = new_session(setup)
        self.twin = Twin(setup, START_NS, orders_max=len(self.core.state.orders) // 2)
        self.seen = self.blocks = 0
        self.amended = False  # a venue that amends in place looks at none of our limits
        self.in_flight: set[tuple[int, CommandKind]] = set()  # (order id, request) without an answer
        self.sent_ns: dict[CommandKind, list[int]] = {CommandKind.NEW: [], CommandKind.CANCEL: []}

    def block(self, block: Block) -> None:
        """Play one block on both sides and compare them."""
        self.blocks += 1
        self.facts(block)
        self.wishes(block)
        commands = self.core.decide()
        self.compare()
        self.check_commands(commands)

    def facts(self, block: Block) -> None:
        core = self.core
        core.advance(block.after_ns)
        for touch in block.touches:
            core.touch(
                touch.bid_ticks,
                touch.ask_ticks,
                bid_lots=touch.bid_lots,
                ask_lots=touch.ask_lots,
                instrument=touch.instrument,
            )
        for report in block.reports:
            known = report.order_id in self.twin.orders
            fields = {} if known else {"instrument": report.instrument}
            core.report(
                report.kind,
                report.order_id,
                side=report.side,
                last_lots=report.lots,
                last_ticks=report.ticks,
                flags=int(report.maker and report.kind == ReportKind.FILL),
                code=report.code,
                **fields,
            )
        core.fold()
        self.twin.fold(block)
        self.answered(block)

    def wishes(self, block: Block) -> None:
        for wish in block.wishes:
            row = self.core.state.intents[int(self.core.session["intent_count"])]
            slot = 2 * self.setup.levels * wish.instrument + wish.slot.place
            values = (wish.kind, slot, wish.order_type, wish.tif, wish.ticks, wish.lots, wish.tag)
            for name, value in zip(row.dtype.names, values, strict=True):
                row[name] = value
            self.core.session["intent_count"] += 1
        if block.cancel_all:
            self.core.view.cancel_all()
        self.twin.decide(block.wishes, block.cancel_all)

    def end(self, last: Block) -> None:
        """Play the block that ends the data: it is folded, the strategy asks once more, nothing may be sent."""
        self.facts(last)
        self.core.session["ended"] = 1
        self.twin.ended = True
        self.wishes(last)
        assert self.core.decide() == [], "a command after the end of data"
        self.core.finish()
        self.twin.finish()
        self.compare()

    # --- core against twin

    def compare(self) -> None:
        self.compare_events()
        self.compare_looks()
        self.compare_state()
        check_promises(self.core)

    def compare_events(self) -> None:
        """Every field of every event of the block."""
        told = [tuple((BLANK | event).values()) for event in self.twin.events[self.seen :]]
        expected = np.array(told, EVENT)
        found = np.array(self.core.log[self.seen :], EVENT)
        if found.tobytes() != expected.tobytes():
            raise AssertionError(f"the journals differ\n{first_difference(found, expected)}")
        self.seen = len(self.twin.events)

    def compare_looks(self) -> None:
        """Every look at a limit that the audit stream carries."""
        looks = [
            (
                look.seq,
                self.twin.now_ns,
                look.instrument,
                look.rule,
                look.observed,
                look.limit,
                look.limit - look.observed,
            )
            for look in self.twin.looks
        ]
        self.twin.looks.clear()
        if self.setup.audit:
            same(
                "looks at the limits",
                self.core.state.audit[: self.core.session["audit_count"]].tolist(),
                looks,
            )
            self.core.session["audit_count"] = 0

    def compare_state(self) -> None:
        core, twin, session = self.core, self.twin, self.core.session
        same("orders", core_orders(core), twin_orders(twin))
        same("slots", core_slots(core), twin_slots(twin))
        same("outbox", core_queue(core), [place_index(self.setup, slot) for slot in twin.queue])
        if twin.ended:
            return
        counters = ("noop_count", "dropped_count", "next_send_ns", "next_ack_timeout_ns")
        same(
            "counters",
            {name: int(session[name]) for name in counters},
            dict(zip(counters, (twin.unchanged, twin.dropped, twin.wake_ns, twin.query_ns), strict=True)),
        )
        for instrument, (ledger, losses) in enumerate(zip(twin.ledgers, twin.losses, strict=True)):
            position, loss = core.state.positions[instrument], core.state.losses[instrument]
            exposure = twin.exposure(instrument)
            same(
                f"position of instrument {instrument}",
                {name: int(position[name]) for name in POSITION_FIELDS}
                | {name: int(loss[name]) for name in LOSS_FIELDS},
                {
                    "net_lots": ledger.net_lots,
                    "cash_ticklots": ledger.cash_ticklots,
                    "cash_money": ledger.cash_money,
                    "fee_money": ledger.fee_money,
                    "open_buy_lots": exposure.lots[BUY],
                    "open_sell_lots": exposure.lots[SELL],
                    "open_buy_notional": exposure.notional[BUY],
                    "open_sell_notional": exposure.notional[SELL],
                    "open_count": exposure.orders,
                    "equity_money": losses.equity_money,
                    "drawdown_money": losses.drawdown_money,
                    "halted": twin.halted[instrument],
                },
            )

    # --- promises about requests

    def answered(self, block: Block) -> None:
        """Note which requests have their answer."""
        for report in block.reports:
            order = self.twin.orders.get(report.order_id)
            if order is None:
                continue
            self.amended |= report.kind == ReportKind.REPLACED
            if report.kind in (ReportKind.ACK, ReportKind.FILL, ReportKind.REPLACED):
                self.in_flight.discard((report.order_id, CommandKind.NEW))
            if report.kind == ReportKind.CANCEL_REJECTED:
                self.in_flight.discard((report.order_id, CommandKind.CANCEL))

    def check_commands(self, commands: list[Command]) -> None:
        """At most one request of a kind is in flight for an order; ids grow; the commands are the twin's."""
        twins = [
            (command.kind, command.order_id, command.side, command.ticks, command.lots, command.tif)
            for command in self.twin.commands
        ]
        same("commands", [tuple(command.__dict__.values()) for command in commands], twins)
        rows = self.core.state.commands[: len(commands)]
        same(
            "numbers of commands",
            rows[["seq", "instrument", "order_type"]].tolist(),
            [(command.seq, command.instrument, command.order_type) for command in self.twin.commands],
        )
        self.twin.commands.clear()
        for command in commands:
            if command.kind == CommandKind.QUERY:
                continue
            request = (command.order_id, command.kind)
            assert request not in self.in_flight, (
                f"{command.kind.name} of order {command.order_id} is in flight twice"
            )
            if command.kind == CommandKind.CANCEL:
                new = (command.order_id, CommandKind.NEW)
                assert new not in self.in_flight, f"the cancel of order {command.order_id} overtakes its new"
            self.in_flight.add(request)
            self.sent_ns[command.kind].append(self.core.now_ns)
        news = [command for command in commands if command.kind == CommandKind.NEW]
        ids = [command.order_id for command in news]
        assert ids == sorted(set(ids)), "ids do not grow"
        last_of = {int(self.core.order(command.order_id)["instrument"]): command for command in news}
        for instrument, command in last_of.items():
            assert not self.core.state.losses[instrument]["halted"], (
                f"order {command.order_id} left in a halt"
            )
            self.check_worst_case(instrument, command)
        if news and not self.amended:
            check_own_orders(self.core)

    def check_worst_case(self, instrument: int, last: Command) -> None:
        """After the last new order of a block what may trade is within the limits, however the reports fall."""
        state, limits = self.core.state, self.setup.limits
        orders = state.orders[
            (state.orders["order_id"] > 0)
            & (state.orders["instrument"] == instrument)
            & (state.orders["status"] < OrderStatus.FILLED)
        ]
        side, leaves_lots = orders["side"], orders["leaves_lots"]
        net_lots = int(state.positions[instrument]["net_lots"])
        worst = last.side * net_lots + int(leaves_lots[side == last.side].sum())
        assert worst <= limits.position_lots_max, f"worst case {worst} lots after order {last.order_id}"
        assert len(orders) <= limits.active_quotes_max, f"{len(orders)} orders after order {last.order_id}"
        inverse = self.setup.contract.inverse
        quotes = int(leaves_lots.sum() if inverse else (leaves_lots * orders["price_ticks"]).sum())
        assert quotes <= limits.quote_gross_notional_max, (
            f"open notional {quotes} after order {last.order_id}"
        )
        if worst > 0:  # else the order reduces, and may whatever the position is worth
            halfticks = 2 if inverse else int(state.books[instrument]["mark_halfticks"])
            gross = abs(net_lots) * halfticks + 2 * quotes
            assert gross <= 2 * limits.gross_notional_max, (
                f"gross notional {gross / 2} after order {last.order_id}"
            )

    # --- promises about the whole

    def check_history(self, script: Script) -> None:
        """Every order that was sent ended at most once, every wish exactly once."""
        log = np.array(self.core.log, EVENT)
        kinds, ids = log["kind"], log["order_id"]
        ends = dict.fromkeys(ids[kinds == EventKind.SENT].tolist(), 0)
        assert sorted(ends) == sorted(self.twin.orders), "an order was lost"
        reports = np.isin(kinds, (EventKind.STATUS, EventKind.FILL, EventKind.VENUE_REJECT))
        ended = (log["status_from"] < OrderStatus.FILLED) & (log["status_to"] >= OrderStatus.FILLED)
        for order_id in ids[reports & ended].tolist():
            ends[order_id] += 1
        assert max(ends.values(), default=0) <= 1, f"an order ended twice: {ends}"
        for seq, how in intent_ends(self.core.log).items():
            assert len(how) == 1, f"intent seq={seq} ended {how}"
        if script.drained:
            assert set(ends.values()) <= {1}, f"an order never ended: {ends}"
        if script.lawful:
            assert EventKind.ANOMALY not in kinds, "a lawful venue is no anomaly"
        if not any(self.twin.halted):
            check_rate(self.sent_ns[CommandKind.NEW], script.setup.order_rate)
            check_rate(self.sent_ns[CommandKind.CANCEL], script.setup.cancel_rate)


POSITION_FIELDS: Final = (
    "net_lots", "cash_ticklots", "cash_money", "fee_money", "open_buy_lots", "open_sell_lots", "open_buy_notional",
    "open_sell_notional", "open_count",
)  # fmt: skip
LOSS_FIELDS: Final = ("equity_money", "drawdown_money", "halted")


def new_session(setup: Setup) -> Session:
    """Return a session of the core that is set up like the twin."""
    session = Session(
        instruments=setup.instruments,
        levels_per_side=setup.levels,
        instrument=to_instrument(setup.contract),
        taker_sweeps=setup.taker_sweeps,
        policy=setup.policy,
        audit=setup.audit,
        bid=0,
        ask=0,
    )
    session.limit(**{name: int(value) for name, value in vars(setup.limits).items()})
    unlimited = Rate(0, 1)
    orders, cancels = setup.order_rate or unlimited, setup.cancel_rate or unlimited
    session.rate((orders.interval_ns, orders.burst), (cancels.interval_ns, cancels.burst))
    session.session["ack_timeout_ns"] = setup.ack_timeout_ns
    session.state.instruments["order_min_ticks"] = setup.order_min_ticks
    session.state.instruments["order_max_ticks"] = setup.order_max_ticks
    return session


@cache
def to_instrument(contract: Contract) -> Instrument:
    return Instrument(
        name="TWIN",
        base_currency="BTC",
        quote_currency="USD",
        tick_size=Decimal(contract.tick_size),
        lot_size=Decimal(contract.lot_size),
        contract_size=Decimal(contract.contract_size),
        inverse=contract.inverse,
        maker_fee_rate=Decimal(contract.maker_rate),
        taker_fee_rate=Decimal(contract.taker_rate),
    )


# --- both sides as plain rows


def place_index(setup: Setup, slot: Any) -> int:
    return int(2 * setup.levels * slot.instrument + slot.place)


def core_orders(core: Session) -> list[tuple[int, ...]]:
    orders = core.state.orders
    return sorted(orders[orders["order_id"] > 0][list(ORDER_FIELDS)].tolist())


def twin_orders(twin: Twin) -> list[tuple[int, ...]]:
    return [
        (
            order.order_id,
            order.replaces_id,
            place_index(twin.setup, order.slot),
            order.slot.side,
            order.order_type,
            order.tif,
            order.ticks,
            order.order_lots,
            order.cum_lots,
            order.leaves_lots,
            order.status,
            order.pending,
            order.asked_ns,
            order.replaced_told,
            order.sent_seq,
            order.cancel_seq,
            order.last_seq,
        )
        for order in twin.orders.values()
    ]


def core_slots(core: Session) -> list[tuple[int, ...]]:
    rows = []
    for order_row, held, *wish in core.state.slots[list(SLOT_FIELDS)].tolist():
        order_id = int(core.state.orders[order_row]["order_id"]) if order_row >= 0 else 0
        rows.append((order_id, held, *wish) if held else (order_id,))
    return rows


def twin_slots(twin: Twin) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for place in twin.places.values():
        order_id = place.order.order_id if place.order else 0
        waiting = place.waiting
        if waiting is None:
            rows.append((order_id,))
            continue
        reserved = waiting.reserved[0] if waiting.reserved else 0
        wish = waiting.wish
        rows.append(
            (order_id, waiting.held, wish.ticks, wish.lots, waiting.code, waiting.replaces_id, reserved)
        )
    return rows


def core_queue(core: Session) -> list[int]:
    """Return the slots of the outbox in their order."""
    queue, at = [], int(core.session["held_head"])
    while at >= 0:
        queue.append(at)
        at = int(core.state.slots[at]["next_slot"])
    return queue


def same(what: str, found: object, expected: object) -> None:
    assert found == expected, f"{what}\ncore: {found}\ntwin: {expected}"


def first_difference(found: npt.NDArray[np.void], expected: npt.NDArray[np.void]) -> str:
    """Return the first event that differs, with the fields that do, and what stands before it."""
    for at in range(max(len(found), len(expected))):
        core = named(found[at]) if at < len(found) else None
        twin = named(expected[at]) if at < len(expected) else None
        if core != twin:
            before = [named(event) for event in found[max(0, at - 3) : at]]
            fields = [name for name in BLANK if core and twin and core.get(name) != twin.get(name)]
            return f"after {before}\ncore: {core}\ntwin: {twin}\nfields: {fields}"
    return "in their bytes only"


def named(event: np.void) -> dict[str, object]:
    kind = EventKind(int(event["kind"])).name
    return {"kind": kind} | {
        name: int(event[name]) for name, blank in BLANK.items() if name != "kind" and event[name] != blank
    }


# --- promises


def check_promises(core: Session) -> None:
    """What holds after every block, whatever the venue said."""
    state, session = core.state, core.session
    orders = state.orders[state.orders["order_id"] > 0]
    live = orders[orders["status"] < OrderStatus.FILLED]
    assert (orders["leaves_lots"] >= 0).all(), "leaves_lots < 0"
    assert (orders["cum_lots"] >= 0).all(), "cum_lots < 0"
    assert (live["cum_lots"] + live["leaves_lots"] == live["order_lots"]).all(), "cum + leaves != order"
    assert (live["leaves_lots"] > 0).all(), "an order lives with nothing left"
    over = orders[orders["status"] >= OrderStatus.FILLED]
    assert not over["pending"].any(), "an order that is over waits for an answer"
    assert not over["leaves_lots"].any(), "an order that is over has lots left"
    linked, row = [], int(session["live_head"])
    while row >= 0:
        linked.append(int(state.orders[row]["order_id"]))
        row = int(state.orders[row]["next_row"])
    assert linked == sorted(live["order_id"].tolist()), "an order was lost"
    assert session["live_count"] == len(linked)
    queue = core_queue(core)
    assert len(set(queue)) == len(queue) == session["held_count"], "a slot stands in the queue twice"
    assert queue == [] or set(queue) == set(np.flatnonzero(state.slots["held"]).tolist())
    for slot in queue:
        assert state.slots[slot]["held"] != Held.KEEP
        if state.slots[slot]["held_code"] == HoldCode.RATE_LIMIT and not session["ended"]:
            assert core.next_send_ns < NEVER, "what waits for a token has no wake time"


def check_own_orders(core: Session) -> None:
    """Our own orders never cross: no venue is asked to trade us with ourselves."""
    orders = core.state.orders[core.state.orders["order_id"] > 0]
    live = orders[orders["status"] < OrderStatus.FILLED]
    for instrument in range(len(core.state.instruments)):
        ours = live[live["instrument"] == instrument]
        bids, asks = (ours["price_ticks"][ours["side"] == side] for side in (BUY, SELL))
        assert not len(bids) or not len(asks) or bids.max() < asks.min(), "our own orders cross"


def check_rate(times_ns: list[int], rate: Rate | None) -> None:
    """Over any window of length T at most burst + T / interval requests leave."""
    if rate is None:
        return
    for first, start_ns in enumerate(times_ns):
        for last in range(first, len(times_ns)):
            assert last - first + 1 <= rate.burst + (times_ns[last] - start_ns) // rate.interval_ns
    assert all(earlier <= later for earlier, later in pairwise(times_ns))
