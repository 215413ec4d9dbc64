"""What sessions of the core journal is valid: record by record, and row by row against the shipped schema."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from trading_platform.eventlog.export import LogNames, to_rows
from trading_platform.eventlog.schema import check_block, kinds_written
from trading_platform.model.enums import EventKind, ReplacePolicy, ReportKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT

from ..harness import BUY, POST_ONLY, SECOND_NS, SELL, START_NS, TICK_MONEY, Session

NAMES = LogNames(("LINEAR",), ("main",), ("test",))
NOT_OF_THE_CORE = {EventKind.OPENING}  # written by the runner's begin


def eventful_session(policy: ReplacePolicy) -> Session:
    """A session in which nearly everything happens once."""
    session = Session(
        policy=policy,
        position_lots_max=50,
        drawdown_money_max=1000 * TICK_MONEY,
        resyncs=[(START_NS + SECOND_NS, 0)],
    )
    for name, value in (
        ("journal_touch", 1),
        ("ack_timeout_ns", SECOND_NS),
        ("sample_interval_ns", SECOND_NS),
    ):
        session.session[name] = value
    session.session["next_sample_ns"] = session.now_ns
    session.session["wake_mask"] = 63
    session.session["timer_ns"] = session.now_ns + SECOND_NS
    session.rate(orders=(SECOND_NS, 3), cancels=(SECOND_NS, 3))
    for level in range(4):
        session.quote(BUY, 1000 - level, 5, level)
    session.new(SELL, 1000, 99, tif=POST_ONLY)
    session.market(SELL, 2, level=1)
    session.new(SELL, 1020, 1, level=2)
    session.cancel(SELL, level=2)
    session.decide()
    session.advance(SECOND_NS)
    session.touch(1001, 1011)
    first, second, third = (command.order_id for command in session.sent[:3])
    session.fill(first, 2, 1000)
    session.ack(first)
    session.ack(second)
    session.decide()  # the third is not answered: QUERY
    session.replace(BUY, 990, 3)
    session.cancel(BUY, level=1)
    session.decide()
    session.rejected(third)
    session.canceled(first)
    session.cancel_rejected(second)
    session.advance(9 * SECOND_NS)
    for command in session.decide():
        session.ack(command.order_id)
    session.decide()
    session.quote(BUY, 900, 999, level=3)
    session.decide()
    session.quote(BUY, 900, 999, level=3)
    session.decide()
    session.report(ReportKind.FILL, 10**6, side=BUY, last_lots=1, last_ticks=1001)
    session.advance(SECOND_NS)
    session.decide()
    session.finish()
    return session


def log_of(session: Session) -> np.ndarray:
    return np.array([tuple(event) for event in session.log], EVENT)


@pytest.mark.parametrize("policy", ReplacePolicy)
def test_rows_are_valid_against_the_shipped_schema(policy: ReplacePolicy) -> None:
    schema = json.loads((files("trading_platform.core") / "schemas" / "events.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    log = log_of(eventful_session(policy))
    count = 0
    for row in to_rows(log, NAMES):
        validator.validate(row)
        count += 1
    assert count == len(log) > 40


def test_session_writes_every_kind_there_is() -> None:
    seen = {EventKind(int(event["kind"])) for event in eventful_session(ReplacePolicy.AFTER_ACK).log}
    assert seen == set(kinds_written()) - NOT_OF_THE_CORE


@pytest.mark.parametrize("policy", ReplacePolicy)
def test_whole_log_passes_as_one_block(policy: ReplacePolicy) -> None:
    check_block(log_of(eventful_session(policy)), 0, 0)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (EventKind.FILL, "qty_lots", 0),
        (EventKind.DENIED, "code", 0),
        (EventKind.SENT, "order_id", 0),
        (EventKind.HALT, "slot", 3),
        (EventKind.STATUS, "status_to", 7),
    ],
)
def test_changed_record_is_refused(kind: EventKind, field: str, value: int) -> None:
    log = log_of(eventful_session(ReplacePolicy.AFTER_ACK))
    log[field][int(np.flatnonzero(log["kind"] == kind)[0])] = value
    with pytest.raises(EventLogError, match=f"{kind.name}.*{field}"):
        check_block(log, 0, 0)
