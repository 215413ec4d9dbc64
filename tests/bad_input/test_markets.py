"""A market may be odd: one-sided, crossed, or gone from where the depth can see it. It is never traded on wrongly."""

from typing import Any

import pytest
from venues.play import BUY, SELL, book, depth, ticks_of_time, trade

from trading_platform.model.enums import EventKind

from .bench import Bench, small_market

ROI = {"kind": "roi", "roi_min": "95", "roi_max": "110"}


def test_a_market_that_leaves_the_roi_fails_the_run_with_range_and_cure(bench: Bench) -> None:
    rows = [*book(0, [(1092, 50)], [(1094, 60)]), *ticks_of_time(1, 60), trade(5, BUY, 1094, 1)]
    rows += [depth(30, SELL, 1094, 0), depth(30, SELL, 1200, 5)]
    ended = bench.run(files=[bench.market(rows)], engine__depth=ROI)

    ended.failed(
        "EngineError: the book has no bid or no ask between 95.0 and 110.0 at seq=",
        "the market left the range of the ROI depth",
        "widen engine.depth or use kind hashmap",
    )
    assert ended.record["stop"] == "BOOK_OUT_OF_RANGE"
    assert len(ended.events) > 0


def test_trades_outside_the_roi_are_refused_with_both_ranges(bench: Bench) -> None:
    roi = ROI | {"roi_max": "100.1"}

    bench.run(engine__depth=roi).was_refused(
        "DataError: engine.depth must cover the traded range 100.0 to 100.2, was 95 to 100.1",
        "widen roi_min and roi_max, or use kind auto or hashmap",
    )


def test_a_market_with_one_side_never_calls_the_strategy_and_the_run_says_so(bench: Bench) -> None:
    """A converter that lost a side would else look like a strategy that never trades."""
    file = bench.market([depth(0, BUY, 1000, 50), *ticks_of_time(1, 60), trade(9, SELL, 1000, 1)])
    ended = bench.run(files=[file])

    ended.failed(
        f"DataError: {file}: the book must have a bid and an ask at once",
        "never had: the strategy was not called",
        "engine.initial_snapshot",
        code=2,
    )
    assert ended.record["wakeups"] == 0


def test_a_book_outside_the_range_taken_from_the_trades_is_told_with_the_range(bench: Bench) -> None:
    """The only trade is far from the quotes: the range of kind auto does not hold the touch."""
    file = bench.market([*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 60), trade(9, SELL, 700, 1)])

    bench.run(files=[file]).failed(
        f"DataError: {file}: the book must have a bid and an ask at once between 66.4 and 73.6 (auto depth)",
        "never had: the strategy was not called; use engine.depth of kind hashmap",
        code=2,
    )


def test_a_side_that_vanishes_denies_what_needs_it_and_the_run_goes_on(bench: Bench) -> None:
    rows = [*small_market(), depth(40, SELL, 1002, 0), depth(80, SELL, 1003, 5)]
    asked = "self.view.market_order(BUY, 3, 10); self.view.quote(SELL, 4, self.view.ask_ticks(), 10)"
    source = f"""
        class S(Strategy):
            def on_market(self):
                if self.view.ask_ticks() == 0:
                    {asked}
                elif self.view.ask_ticks() == 1003:
                    self.view.quote(SELL, 5, 1003, 10)
    """
    ended = bench.run(source, files=[bench.market(rows)])
    denied = bench.tool("orders", ended.directory, "--denied", "--json").json["denials"]

    assert ended.answer.code == 0
    assert {(one["slot_name"], one["code"]) for one in denied} == {
        ("buy3", "NO_BOOK"),
        ("sell4", "BAD_PRICE"),
    }
    assert "price 0.0 is out of the range" in next(
        one["why"] for one in denied if one["slot_name"] == "sell4"
    )
    assert ended.record["summary"]["orders"]["sent"] == 1, "the side came back"


@pytest.mark.parametrize("kind", [{"kind": "hashmap"}, ROI], ids=["hashmap", "roi"])
def test_a_crossed_book_is_never_shown_to_a_strategy(bench: Bench, kind: dict[str, Any]) -> None:
    """The newer level stands, what it crosses is gone: the engine's rule, for both sides and both depths."""
    rows = [*book(0, [(1000, 50), (999, 9)], [(1002, 60), (1006, 9)]), *ticks_of_time(1, 100)]
    rows += [depth(30, BUY, 1004, 5), depth(60, SELL, 999, 5), trade(10, BUY, 1002, 1)]
    source = """
        class S(Strategy):
            def on_market(self):
                bid, ask = self.view.bid_ticks(), self.view.ask_ticks()
                if 0 < ask <= bid:
                    raise ValueError(f"crossed: {bid} {ask}")
                self.view.quote(BUY, 0, bid, 10)
    """
    ended = bench.run(source, files=[bench.market(rows)], engine__depth=kind, output__journal_touch=True)
    touches = ended.events[ended.events["kind"] == EventKind.TOUCH]

    assert ended.answer.code == 0, ended.answer.err
    assert [(int(one["price_ticks"]), int(one["a"])) for one in touches][:2] == [(1000, 1002), (1004, 1006)]
    assert ((touches["a"] == 0) | (touches["price_ticks"] < touches["a"])).all()
    assert len(touches) >= 3
