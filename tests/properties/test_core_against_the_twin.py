"""Whatever a strategy asks and a venue answers, the core decides what a plain reading of the rules decides.

Random sessions (scripts.py) are played by the core and by its twin (twin.py), which must agree after every block on
every event, command and number; the promises of the core are checked beside that (play.py). The same tests run
compiled and as plain Python.

TRADING_PLATFORM_EXAMPLES sets how many sessions are tried (2,000 if not set); `pytest -m long tests/properties` tries
100,000. A failure prints the session as code: paste it into past_failures.py.
"""

import os
from collections.abc import Callable
from enum import IntEnum
from itertools import product
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from semantics.harness import START_NS

from trading_platform.core.merge import MERGE
from trading_platform.core.order_fsm import ALL, INVALID, TRANSITIONS, next_pending
from trading_platform.model.enums import (
    AnomalyCode,
    DenyCode,
    EventKind,
    HaltCode,
    Held,
    HoldCode,
    OrderEvent,
    OrderStatus,
    Pending,
    ReportKind,
)

from .past_failures import PAST_FAILURES
from .play import play
from .script import Script
from .scripts import ORDERS_MAX, scripts
from .twin import Twin, merge, pending_after, status_after

R = ReportKind
EXAMPLES: Final = int(os.environ.get("TRADING_PLATFORM_EXAMPLES", "2000"))
LONG_PARTS: Final = 50
LONG_EXAMPLES: Final = 2000
REACH_EXAMPLES: Final = 1000
REACH_ROUNDS: Final = 10
EXPLICIT: Final = (Held.NEW, Held.REPLACE, Held.CANCEL)
CODES: Final[dict[EventKind, type[IntEnum]]] = {
    EventKind.DENIED: DenyCode,
    EventKind.QUEUED: HoldCode,
    EventKind.DEQUEUED: HoldCode,
    EventKind.HALT: HaltCode,
    EventKind.ANOMALY: AnomalyCode,
}
UNUSED: Final = ("HoldCode.SENT", "HoldCode.DENIED", "HaltCode.REQUESTED")  # nothing writes them
TOO_LONG: Final = ("DenyCode.ORDER_TABLE_FULL",)  # takes 512 live orders: tests/semantics plays it


def tried(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return settings for so many sessions, drawn anew in every run."""
    return settings(
        max_examples=examples,
        derandomize=False,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@tried(EXAMPLES)
@given(scripts())
def test_core_decides_as_the_twin_does(script: Script) -> None:
    play(script)


@pytest.mark.long
@pytest.mark.parametrize("part", range(LONG_PARTS))  # in parts: one search over all would fill the memory
def test_core_decides_as_the_twin_does_at_length(part: int) -> None:
    tried(LONG_EXAMPLES)(given(scripts())(play))()


@pytest.mark.parametrize("name", PAST_FAILURES)
def test_past_failure_does_not_come_back(name: str) -> None:
    play(PAST_FAILURES[name])


@pytest.mark.parametrize("kind", ReportKind)
def test_status_and_pending_tables_agree_on_every_pair(kind: ReportKind) -> None:
    events = {R.CANCELED: OrderEvent.CANCEL, R.EXPIRED: OrderEvent.EXPIRE, R.REJECTED: OrderEvent.REJECT}
    if kind not in (R.CANCEL_REJECTED, R.REPLACE_REJECTED):  # they say nothing about the status
        for status, completes in product(OrderStatus, (False, True)):
            fill = OrderEvent.FILL if completes else OrderEvent.PARTIAL_FILL
            event = fill if kind == R.FILL else events.get(kind, OrderEvent.ACK)
            after = status_after(status, kind, completes)
            assert TRANSITIONS[status].get(event) == after, (
                f"{status.name}: {kind.name}, completes={completes}"
            )
    for bits in range(int(ALL) + 1):
        wanted = pending_after(Pending(bits), kind)
        assert next_pending(bits, int(kind)) == (INVALID if wanted is None else wanted), (
            f"{Pending(bits)}: {kind.name}"
        )


@pytest.mark.parametrize("held", [held for held in Held if held != Held.KEEP])
@pytest.mark.parametrize("asked", [Held.NEW, Held.REPLACE, Held.CANCEL, Held.KEEP])
def test_merge_tables_agree_on_every_pair(held: Held, asked: Held) -> None:
    assert MERGE[held][asked] == merge(held, asked)


def test_random_sessions_meet_every_decision() -> None:
    """Agreement proves nothing about what was never asked: every code and merge is met."""
    wanted = {f"{held.name} then {asked.name}" for held, asked in product(set(Held) - {Held.KEEP}, EXPLICIT)}
    wanted |= {f"{members.__name__}.{code.name}" for members in CODES.values() for code in members if code}
    wanted |= {"QUERY", "REPLACED"}
    missing = wanted - {*UNUSED, *TOO_LONG}
    for number in range(REACH_ROUNDS):  # hypothesis draws other sessions when other modules are loaded
        missing -= met_by_sessions(number)
        if not missing:
            return
    raise AssertionError(f"never met: {sorted(missing)}")


def met_by_sessions(number: int) -> set[str]:
    """Return the codes and merges that the sessions of one seed meet."""
    met: set[str] = set()

    @seed(number)
    @settings(
        max_examples=REACH_EXAMPLES,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(scripts())
    def collect(script: Script) -> None:
        twin = Twin(script.setup, START_NS, ORDERS_MAX)
        for block in script.blocks:
            twin.fold(block)
            twin.decide(block.wishes, block.cancel_all)
        twin.ended = True
        twin.decide(script.last.wishes, script.last.cancel_all)
        met.update(f"{held.name} then {asked.name}" for held, asked in twin.merged)
        for event in twin.events:
            kind = EventKind(event["kind"])
            if kind in CODES:
                code = CODES[kind](event["code"])
                met.add(f"{type(code).__name__}.{code.name}")
            met.add(kind.name)

    collect()
    return met
