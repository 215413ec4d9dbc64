"""A venue that answers a request with a technical error: recorded latencies with a venue time of 0."""

import numpy as np

from trading_platform.model.enums import EventKind, HoldCode, OrderStatus, Pending, Stop

from .play import BUY, GTC, LOCAL_MS, MS, START_NS, Events, Play, book, ticks_of_time

OPEN = book(0, [(1000, 50)], [(1002, 60)])
LATENCY = np.dtype([("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")])
ANSWER_MS = 8


def latency(*rejected_ms: tuple[int, int]) -> Events:
    """Return latencies of 4 ms there and back, except within (from, to): refused after ANSWER_MS."""
    rows = np.zeros(200, LATENCY)
    for at_ms, row in enumerate(rows):
        refused = any(low <= at_ms <= high for low, high in rejected_ms)
        row["req_ts"] = START_NS + at_ms * MS
        row["exch_ts"] = 0 if refused else row["req_ts"] + 4 * MS
        row["resp_ts"] = row["req_ts"] + ANSWER_MS * MS
    return rows


def play(*rejected_ms: tuple[int, int]) -> Play:
    session = Play([*OPEN, *ticks_of_time(1, 100)], latency=latency(*rejected_ms))
    session.until(10 + LOCAL_MS)
    session.view.new_order(BUY, 0, 1000, 10, tif=GTC)
    return session


def test_refused_order_is_rejected_not_expired() -> None:
    session = play((9, 13))

    assert session.finish() == Stop.END_OF_DATA
    assert session.story(1) == [("REJECTED", 10 + LOCAL_MS + ANSWER_MS)]
    (event,) = session.of(EventKind.VENUE_REJECT)
    assert event["status_to"] == OrderStatus.REJECTED
    assert event["ts_exch_ns"] == 0, "the venue never saw it"
    assert session.state.positions[0]["open_buy_lots"] == 0
    assert session.of(EventKind.ANOMALY) == []


def test_refused_cancel_leaves_the_order_working_and_can_be_repeated() -> None:
    session = play((39, 42))
    session.until(40)
    session.view.cancel(BUY, 0)
    session.until(60)
    between = (int(session.order(1)["status"]), int(session.order(1)["pending"]))
    session.view.cancel(BUY, 0)
    session.finish()

    assert between == (OrderStatus.WORKING, Pending.NONE)
    assert [word for word, _ in session.story(1)] == ["ACK", "CANCEL_REJECTED", "CANCELED"]
    assert session.order(1)["status"] == OrderStatus.CANCELED


def test_refused_cancel_of_a_replace_gives_the_new_order_up() -> None:
    session = play((39, 42))
    session.until(40)
    session.view.replace(BUY, 0, 999, 10)
    session.finish()

    assert [word for word, _ in session.story(1)] == ["ACK", "CANCEL_REJECTED"]
    codes = [HoldCode(int(event["code"])) for event in session.of(EventKind.DEQUEUED)]
    assert codes == [HoldCode.VENUE_REFUSED]
    assert session.order(1)["status"] == OrderStatus.WORKING
    assert len(session.of(EventKind.SENT)) == 2
