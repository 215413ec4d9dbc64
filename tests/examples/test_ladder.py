"""Each step of the ladder shows what its README section says, in the run record and the log."""

from pathlib import Path

import numpy as np
import pytest
from oracle.builders import Done, Events

from trading_platform.data.files import load_events
from trading_platform.model.enums import (
    CommandKind,
    DenyCode,
    EventKind,
    HoldCode,
    IntentKind,
    OrderStatus,
    ReportKind,
)

from .ladder import AT_ONCE, CONFIGS, NO_SKEW, TOUCH, WHOLE_FILLS, Runs, script

ROUND_TRIP_NS = 20_000_000
NS_PER_S = 10**9


def news(done: Done) -> Events:
    """Return the orders that were sent."""
    sent = done.of(EventKind.SENT)
    return sent[sent["a"] == CommandKind.NEW]


@pytest.mark.parametrize("step", CONFIGS)
def test_every_config_runs_to_the_end_of_the_data_without_anomaly(runs: Runs, step: str) -> None:
    done = runs.get(step)

    assert (done.record["status"], done.record["stop"]) == ("done", "END_OF_DATA")
    assert done.record["summary"]["anomalies"]["total"] == 0
    assert done.record["summary"]["fills"]["count"] > 0


def test_01_one_order_is_sent_acknowledged_and_filled(runs: Runs) -> None:
    done = runs.get("01")
    (intent,), (sent,), (ack,), (fill,) = (
        done.of(kind) for kind in (EventKind.INTENT, EventKind.SENT, EventKind.STATUS, EventKind.FILL)
    )

    assert sent["cause_seq"] == intent["seq"]
    assert ack["cause_seq"] == fill["cause_seq"] == sent["seq"]
    assert ack["a"] == ReportKind.ACK
    assert ack["now_ns"] - sent["now_ns"] == ROUND_TRIP_NS
    assert fill["now_ns"] - sent["now_ns"] > 12 * NS_PER_S
    assert (fill["status_to"], fill["qty_lots"], fill["leaves_lots"]) == (OrderStatus.FILLED, 10, 0)


def test_02_quotes_are_a_fixed_distance_behind_the_touch(runs: Runs) -> None:
    done = runs.get("02", *TOUCH)
    touches, intents = done.of(EventKind.TOUCH), done.of(EventKind.INTENT)
    seen = touches[np.searchsorted(touches["seq"], intents["seq"]) - 1]
    wanted = np.where(intents["side"] > 0, seen["price_ticks"] - 5, seen["a"] + 5)

    assert len(intents) > 3_000
    assert (intents["price_ticks"] == wanted).all()


def test_02_quotes_that_stand_already_are_not_sent_again(runs: Runs) -> None:
    done = runs.get("02")

    assert done.record["wakeups"] == 15_150, "the README tells this number"
    assert done.record["summary"]["orders"]["unchanged"] > 4 * len(news(done))


def test_03_denials_carry_code_observed_limit_and_headroom(runs: Runs) -> None:
    denied = runs.get("03").of(EventKind.DENIED)

    assert len(denied) > 5
    assert (denied["code"] == DenyCode.POSITION).all()
    assert {tuple(map(int, event[["a", "b", "c"]])) for event in denied} == {(40, 30, -10)}


def test_03_the_strategy_turns_around_after_each_denial_and_is_not_denied_on_the_way_back(runs: Runs) -> None:
    done = runs.get("03")
    decisions = done.events[np.isin(done.events["kind"], [EventKind.DENIED, EventKind.SENT])]
    turns = np.flatnonzero(decisions["kind"][:-1] == EventKind.DENIED)

    assert (decisions["side"][turns] == -decisions["side"][turns + 1]).all()
    assert set(np.diff(turns)) == {7}, "from one end of the range to the other: six orders, then a denial"
    assert np.abs(done.of(EventKind.FILL)["c"]).max() == 30


def test_04_no_more_orders_and_cancels_are_sent_than_the_throttle_allows(runs: Runs) -> None:
    sent, window_ns, rate, burst = runs.get("04").of(EventKind.SENT), 10 * NS_PER_S, 4, 6
    for kind in (CommandKind.NEW, CommandKind.CANCEL):
        times = sent[sent["a"] == kind]["now_ns"]
        within = np.arange(1, len(times) + 1) - np.searchsorted(times, times - window_ns)

        assert within.max() <= burst + rate * window_ns // NS_PER_S
        assert within.max() >= rate * window_ns // NS_PER_S, "the throttle was never busy"


def test_04_what_waits_is_sent_at_the_announced_time_or_superseded(runs: Runs) -> None:
    done = runs.get("04")
    queued, sent, dequeued = (
        done.of(kind) for kind in (EventKind.QUEUED, EventKind.SENT, EventKind.DEQUEUED)
    )
    throttled = queued[queued["code"] == HoldCode.RATE_LIMIT]
    due_ns = {int(event["cause_seq"]): int(event["a"]) for event in throttled}
    waited_ns = [
        int(event["now_ns"]) - due_ns[int(event["cause_seq"])]
        for event in news(done)
        if int(event["cause_seq"]) in due_ns
    ]

    assert (throttled["a"] > throttled["now_ns"]).all()
    assert len(waited_ns) > 100
    assert min(waited_ns) == 0
    assert (dequeued["code"] == HoldCode.SUPERSEDED).sum() > 10_000
    given_up = set(dequeued["cause_seq"].tolist())
    assert not given_up & set(sent[sent["a"] == CommandKind.NEW]["cause_seq"].tolist()), (
        "a stale one was sent"
    )


def test_05_quotes_lie_on_the_grid_and_five_levels_per_side_are_used(runs: Runs) -> None:
    orders = news(runs.get("05"))

    assert (orders["price_ticks"] % 5 == 0).all()
    assert set(orders["slot"].tolist()) == set(range(10))


def test_05_the_skew_keeps_the_position_near_zero(runs: Runs) -> None:
    positions = [
        np.abs(runs.get("05", *override).of(EventKind.PNL)["qty_lots"]).mean() for override in ((), NO_SKEW)
    ]

    assert [round(lots) for lots in positions] == [25, 57], "the README tells these numbers"


def test_06_quotes_follow_from_the_book_that_had_arrived(runs: Runs) -> None:
    """The book is rebuilt from the rows received by then: a strategy that saw more would quote other prices."""
    intents = runs.get("06").of(EventKind.INTENT)
    intents = intents[(intents["qty_lots"] > 0)][:400]
    wanted = imbalance_prices(load_events(market_of("06")), intents["now_ns"])

    assert intents["price_ticks"].tolist() == [
        wanted[int(intent["now_ns"])][int(intent["side"])] for intent in intents
    ]
    centres = {bid + ask for bid, ask in ((prices[1], prices[-1]) for prices in wanted.values())}
    assert len(centres) > 20, "the market hardly moved: nothing was shown"


def market_of(step: str) -> Path:
    return CONFIGS[step].parent / "../../../tests/data/parts/part-000.npz"


def imbalance_prices(rows: Events, times_ns: Events) -> dict[int, dict[int, int]]:
    """Return time -> side -> price [ticks] by the README's words: half a spread of 5 ticks, a shift of up to 10."""
    wanted: dict[int, dict[int, int]] = {}
    books: dict[int, dict[int, int]] = {1: {}, -1: {}}
    place = 0
    for now_ns in sorted(set(times_ns.tolist())):
        while place < len(rows) and rows[place]["local_ts"] <= now_ns:
            row, place = rows[place], place + 1
            if int(row["ev"]) & 0xFF == 2:
                continue  # a trade: the book is told by its own rows
            book = books[1 if int(row["ev"]) & (1 << 29) else -1]
            book[round(float(row["px"]) * 10)] = round(float(row["qty"]) * 1000)
        bid = max(tick for tick, lots in books[1].items() if lots)
        ask = min(tick for tick, lots in books[-1].items() if lots)
        bids = sum(books[1].get(bid - distance, 0) for distance in range(10))
        asks = sum(books[-1].get(ask + distance, 0) for distance in range(10))
        centre = bid + ask + 2 * 10 * (bids - asks) // (bids + asks)
        wanted[now_ns] = {1: min((centre - 10) // 2, ask - 1), -1: max((centre + 11) // 2, bid + 1)}
    return wanted


def test_07_each_intent_says_what_and_why(runs: Runs) -> None:
    intents = runs.get("07").of(EventKind.INTENT)
    kinds_and_tags = set(zip(intents["a"].tolist(), intents["tag"].tolist(), strict=True))

    assert kinds_and_tags == {(IntentKind.NEW, 1), (IntentKind.REPLACE, 2), (IntentKind.CANCEL, 3)}


def replace_gaps_ns(done: Done) -> Events:
    """Return how long after the cancel of the old order its replacement was sent [ns]."""
    sent = done.of(EventKind.SENT)
    cancels = {
        int(event["order_id"]): int(event["now_ns"]) for event in sent[sent["a"] == CommandKind.CANCEL]
    }
    successors = sent[(sent["a"] == CommandKind.NEW) & (sent["parent_order_id"] > 0)]
    return np.array([event["now_ns"] - cancels[int(event["parent_order_id"])] for event in successors])


def test_07_replace_after_ack_waits_for_the_cancel_and_at_once_does_not(runs: Runs) -> None:
    after_ack, at_once = (replace_gaps_ns(runs.get("07", *override)) for override in ((), AT_ONCE))

    assert len(after_ack) > 1_000
    assert len(at_once) > 1_000
    assert set(after_ack.tolist()) == {ROUND_TRIP_NS}
    assert set(at_once.tolist()) == {0}


def test_07_at_once_fills_orders_that_were_replaced_already(runs: Runs) -> None:
    late = []
    for done in (runs.get("07"), runs.get("07", *AT_ONCE)):
        sent_ns = {int(event["parent_order_id"]): int(event["now_ns"]) for event in news(done)}
        fills = done.of(EventKind.FILL)
        late.append(sum(int(fill["now_ns"]) > sent_ns.get(int(fill["order_id"]), 1 << 62) for fill in fills))

    assert late == [0, 316], "the README tells this number"
    assert np.abs(runs.get("07").of(EventKind.FILL)["c"]).max() == 10
    assert np.abs(runs.get("07", *AT_ONCE).of(EventKind.FILL)["c"]).max() == 20


def test_08_only_the_partial_fill_venue_fills_in_pieces(runs: Runs) -> None:
    pieces, whole = (runs.get("08", *override).of(EventKind.FILL) for override in ((), WHOLE_FILLS))

    assert (pieces["leaves_lots"] > 0).sum() > 50
    assert (pieces["status_to"][pieces["leaves_lots"] > 0] == OrderStatus.PARTIALLY_FILLED).all()
    assert (whole["leaves_lots"] == 0).all()


@pytest.mark.parametrize("override", [(), WHOLE_FILLS], ids=["partial fills", "whole fills"])
def test_08_cum_and_leaves_add_up_and_the_position_stays_between_0_and_the_full_one(
    runs: Runs, override: tuple[object, ...]
) -> None:
    done = runs.get("08", *override)
    order_lots = {int(event["order_id"]): int(event["qty_lots"]) for event in news(done)}
    cum_lots = dict.fromkeys(order_lots, 0)
    for fill in done.of(EventKind.FILL):
        order_id = int(fill["order_id"])
        cum_lots[order_id] += int(fill["qty_lots"])
        assert fill["b"] == cum_lots[order_id]
        assert fill["leaves_lots"] == order_lots[order_id] - cum_lots[order_id]
        assert 0 <= fill["c"] <= 200


def test_08_a_piece_of_a_bid_leaves_it_in_the_queue(runs: Runs) -> None:
    """What it has left is what is still wanted: nothing is asked for that price when the piece is reported."""
    done = runs.get("08")
    fills, sent, intents = (done.of(kind) for kind in (EventKind.FILL, EventKind.SENT, EventKind.INTENT))
    pieces = fills[(fills["leaves_lots"] > 0) & (fills["side"] > 0) & (fills["pending_to"] == 0)]
    limit_ticks = {int(event["order_id"]): int(event["price_ticks"]) for event in sent}
    asked = {(int(event["now_ns"]), int(event["price_ticks"])) for event in intents if event["side"] > 0}

    assert len(pieces) > 10
    for piece in pieces:
        assert (int(piece["now_ns"]), limit_ticks[int(piece["order_id"])]) not in asked


@pytest.mark.parametrize("step", ["03", "04", "08"])
def test_09_answers_agree_with_the_summary(runs: Runs, step: str) -> None:
    read_log, done = script("09_read_the_log/read_log.py"), runs.get(step)
    orders, run = done.record["summary"]["orders"], done.directory

    denials, waits, ratio = read_log.denials(run), read_log.waits(run), read_log.fill_ratio(run)
    assert dict(denials.select("denied", "count").iter_rows()) == orders["denied"]["by_code"]
    assert dict(waits.select("waits for", "count").iter_rows()) == orders["queued"]["by_code"]
    assert read_log.time_to_ack(run)["acked"].item() == orders["acked"]
    assert ratio["orders"].sum() == orders["sent"]
    assert ratio["filled"].sum() == orders["filled"]


def test_09_the_announced_wait_is_never_longer_than_one_token(runs: Runs) -> None:
    waits = script("09_read_the_log/read_log.py").waits(runs.get("04").directory)
    (throttled,) = waits.filter(waits["waits for"] == "RATE_LIMIT").to_dicts()

    assert 0 < throttled["median ms"] <= throttled["longest ms"] <= 250, "4 a second"


def test_09_position_over_time_ends_where_the_run_ended(runs: Runs) -> None:
    read_log, done = script("09_read_the_log/read_log.py"), runs.get("04")
    position = read_log.position_over_time(done.directory)
    summary = done.record["summary"]

    assert len(position) == 6, "minutes"
    assert position["position"][-1] == float(summary["position"]["final_qty"])
    assert position["equity"][-1] == float(summary["pnl"]["net"])
    extremes = max(position["highest"].max(), -position["lowest"].min())
    assert extremes == float(summary["position"]["max_abs_qty"])


def test_10_both_forms_give_one_digest_and_the_script_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compare_forms = script("10_two_forms/compare_forms.py")
    made = compare_forms.run_forms(tmp_path)
    monkeypatch.setattr(compare_forms, "run_forms", lambda: made)

    assert set(made) == {"interpreted", "compiled"}
    assert compare_forms.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["interpreted", "compiled"]
    assert lines[0].split()[-1] == lines[1].split()[-1]
    assert lines[2] == "the logs are equal"
