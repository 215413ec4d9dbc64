"""A strategy may raise, overflow, write where it must not, or return rubbish: the run fails and says which line."""

import pytest
from venues.play import BUY, SELL, book, depth, ticks_of_time, trade

from trading_platform.model.enums import EventKind

from .bench import FORMS, Bench, small_market, then


@pytest.mark.parametrize("form", FORMS)
def test_a_strategy_that_raises_in_mid_run_fails_it_with_its_words_and_the_event(
    bench: Bench, form: str
) -> None:
    ended = bench.run(then('raise ValueError("my mistake")', form))
    seq = len(ended.events)

    ended.failed("StrategyError: ValueError", "my mistake", f"at seq={seq}")
    assert seq > 5, "the log goes to the event that the error names"
    place = (
        bench.place()
        if form == "interpreted"
        else "`run --debug` runs it as plain Python and stops at the line"
    )
    assert place in ended.answer.err
    assert "--debug" in ended.answer.out


def test_a_strategy_that_leaves_python_is_a_failed_run_and_no_dead_process(bench: Bench) -> None:
    ended = bench.run(then('sys.exit("enough")'))

    ended.failed(f"StrategyError: SystemExit in strategy {bench.class_path}: enough", bench.place())
    assert len(ended.events) > 5


@pytest.mark.parametrize("form", FORMS)
def test_more_intents_than_the_buffer_holds_fail_the_run_and_none_is_dropped(bench: Bench, form: str) -> None:
    act = {
        "interpreted": "[self.view.cancel(BUY, 0) for _ in range(1000)]",
        "compiled": "for _ in range(1000): cancel(state, 0, 1, 0)",
    }[form]
    ended = bench.run(then(act, form))

    ended.failed(
        "StrategyError: a strategy may append at most 192 intents per wakeup, appended 1001 at seq=",
        "raise levels_per_side or ask for less",
    )
    assert ended.record["stop"] == "INTENTS_FULL"
    assert ended.events["kind"][-1] == EventKind.PNL, "the log is closed in good order"


def test_trades_beyond_the_buffer_are_left_out_from_the_end_and_never_kept_for_later(bench: Bench) -> None:
    """The strategy declares how many it wants; which those are must not depend on what came before."""
    rows = [*small_market(40), *(trade(50, BUY, 1002, 1 + number) for number in range(5))]
    rows += [trade(60, SELL, 1000, 9), *ticks_of_time(61, 80)]
    source = """
        class S(Strategy):
            wake = Wake.TRADES
            trades_capacity = 2

            def on_trades(self):
                if self.view.now_ns % 1_000_000_000 > 45_000_000:
                    print("seen", [trade.qty_lots for trade in self.view.trades()])
    """
    ended = bench.run(source, files=[bench.market(rows)])

    assert ended.answer.code == 0, ended.answer.err
    assert [line for line in ended.answer.err.splitlines() if "seen" in line] == ["seen [1, 2]", "seen [9]"]


def test_a_report_for_every_slot_in_one_block_is_booked_whole(bench: Bench) -> None:
    """As many reports as there can be: the buffer holds them, and the journal keeps one event for each."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 60)]
    rows += [trade(5, BUY, 1002, 1), trade(40, SELL, 700, 10**6)]
    rows += [depth(40, BUY, 1000, 0), depth(40, BUY, 690, 5)]
    source = """
        class S(Strategy):
            levels_per_side = 256

            def on_start(self):
                for level in range(256):
                    self.view.new_order(BUY, level, 999 - level, 1)
    """
    ended = bench.run(source, files=[bench.market(rows)])
    fills = ended.events[ended.events["kind"] == EventKind.FILL]

    assert ended.answer.code == 0, ended.answer.err
    assert len(fills) == 256
    assert len(set(fills["now_ns"].tolist())) == 1
    assert ended.record["summary"]["position"]["final_qty"] == "0.256"


@pytest.mark.parametrize("form", FORMS)
def test_a_write_into_the_ledger_is_found_and_told_with_both_values(bench: Bench, form: str) -> None:
    state = "self.view._state" if form == "interpreted" else "state"
    ended = bench.run(then(f'{state}.positions[0]["net_lots"] += 3', form))

    ended.failed(
        "EventLogError: BTCUSDT: net_lots must be 30 by the journal, was 33 in the state",
        "something wrote into the core's arrays (a strategy?",
        "strategy check",
    )


def test_a_write_into_the_journal_is_found_before_it_reaches_the_disk(bench: Bench) -> None:
    ended = bench.run(then('self.view._state.events["kind"][2] = 77'))

    ended.failed(
        "EventLogError: event seq=3: kind must be one of 1 OPENING",
        "was 77",
        "nothing of this block was written",
    )
    assert len(ended.events) == 0


def test_an_array_of_the_view_cannot_be_replaced(bench: Bench) -> None:
    ended = bench.run(then("self.view._state.books = None"))

    ended.failed("StrategyError: AttributeError", "State.books must not be replaced", bench.place())


@pytest.mark.parametrize("form", FORMS)
def test_an_intent_for_a_slot_that_is_not_there_fails_the_run_with_the_slots_there_are(
    bench: Bench, form: str
) -> None:
    act = "self.view.quote(BUY, 99, 990, 10)" if form == "interpreted" else "quote(state, 0, 1, 99, 990, 10)"
    ended = bench.run(then(act, form))

    ended.failed(
        "StrategyError: ", "levels" if form == "compiled" else "level 99", "0 to 15", "sides", " at seq="
    )


def test_an_intent_of_a_kind_that_is_not_there_fails_the_run(bench: Bench) -> None:
    act = (
        'state.intents[state.session[0]["intent_count"]]["kind"] = 99; state.session[0]["intent_count"] += 1'
    )
    ended = bench.run(then(act, "compiled"))

    ended.failed("StrategyError: intent 1 of the wakeup names a kind or a slot that does not exist at seq=")
    assert ended.record["stop"] == "BAD_INTENT"


@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_a_strategy_returns_is_refused_not_ignored(bench: Bench, form: str) -> None:
    """Who returns orders, as other frameworks want them, must not wonder why nothing is traded."""
    ended = bench.run(then("return 7", form))

    ended.failed("StrategyError: ", "must return None", "returned", "quote")
