"""Orders that no venue could take: whole numbers out of range are denied one by one, what is no number ends the run."""

from decimal import Decimal

import pytest

from trading_platform.model.enums import EventKind

from .bench import FORMS, Bench, then

HUGE = 10**17
# slot on the sell side -> how it is asked (call, price, quantity), the code of its denial and what the list says
ASKED = {
    1: ("quote", -5, 10, "BAD_PRICE", "price -0.5 is out of the range that ends at"),
    2: ("quote", HUGE, 10, "BAD_PRICE", "price 10000000000000000.0 is out of the range that ends at"),
    3: ("quote", 1010, HUGE, "BAD_QTY", "quantity 100000000000000.000 BTC, must be above 0 and at most"),
    4: ("quote", 1010, -1, "BAD_QTY", "quantity -0.001 BTC, must be above 0 and at most"),
    5: ("new_order", -5, 10, "BAD_PRICE", "price -0.5 is out of the range that ends at"),
    6: ("new_order", 0, 10, "BAD_PRICE", "price 0.0 is out of the range that ends at"),
    7: ("new_order", HUGE, 10, "BAD_PRICE", "price 10000000000000000.0 is out of the range that ends at"),
    8: ("new_order", 1010, -10, "BAD_QTY", "quantity -0.010 BTC, must be above 0 and at most"),
    9: ("new_order", 1010, 0, "BAD_QTY", "quantity 0.000 BTC, must be above 0 and at most"),
    10: ("new_order", 1010, HUGE, "BAD_QTY", "quantity 100000000000000.000 BTC, must be above 0 and at most"),
    11: ("replace", 1010, 10, "NOT_FOUND", "the slot had no order to cancel or replace"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_order_out_of_range_is_denied_with_value_and_limit_and_none_is_sent(
    bench: Bench, form: str
) -> None:
    start = "self.view.{}(SELL" if form == "interpreted" else "{}(state, 0, -1"
    calls = (
        f"{start.format(call)}, {slot}, {price}, {qty})" for slot, (call, price, qty, *_) in ASKED.items()
    )
    ended = bench.run(then("; ".join(calls), form))
    denied = bench.tool("orders", ended.directory, "--denied", "--json").json["denials"]
    sent = ended.events[ended.events["kind"] == EventKind.SENT]

    assert ended.answer.code == 0, "a denial is data, not an error"
    assert {one["slot_name"]: one["code"] for one in denied} == {
        f"sell{slot}": code for slot, (*_, code, _) in ASKED.items()
    }
    for one in denied:
        words = ASKED[int(one["slot_name"].removeprefix("sell"))][-1]
        assert words in one["why"]
        assert one["headroom"] == one["limit"] - one["observed"]
    assert len(sent) > 0
    assert (sent["side"] == 1).all(), "nothing but the bid went out"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('quote(SELL, 1, float("nan"), 10)', ("price_ticks", "must be a whole number", "nan")),
        ("quote(SELL, 1, 1010.5, 10)", ("price_ticks", "must be a whole number", "1010.5")),
        ('new_order(SELL, 1, 1010, float("nan"))', ("qty_lots", "must be a whole number", "nan")),
        ("new_order(SELL, 1, 10**30, 10)", ("price_ticks", "must be", str(10**30))),
    ],
    ids=["quote nan", "quote off the grid", "new_order nan", "new_order beyond 64 bits"],
)
def test_what_is_no_whole_number_ends_an_interpreted_run_with_argument_value_and_line(
    bench: Bench, call: str, words: tuple[str, ...]
) -> None:
    ended = bench.run(then(f"self.view.{call}"))

    ended.failed("StrategyError: ", *words, bench.place(), " at seq=")
    assert (ended.events["side"] >= 0).all(), "nothing of it was sent"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            "quote(state, 0, -1, 1, 1010.5, 10)",
            ("price_ticks of quote is a float", "cure: round it as you mean it"),
        ),
        (
            'new_order(state, 0, -1, 1, 1010, float("nan"))',
            ("qty_lots of new_order is a float", "cure: round it"),
        ),
        (
            "new_order(state, 0, -1, 1, 10**30, 10)",
            (f"the number {10**30} is larger than 64 bits", "cure: use"),
        ),
    ],
    ids=["quote off the grid", "new_order nan", "new_order beyond 64 bits"],
)
def test_what_is_no_whole_number_does_not_compile_and_is_told_with_line_and_cure(
    bench: Bench, call: str, words: tuple[str, ...]
) -> None:
    ended = bench.run(then(call, "compiled"))

    ended.failed("StrategyError: ", *words, bench.place())
    assert ended.files == {"config.json", "run.json"}, "nothing was run"


def test_a_wish_whose_error_the_strategy_catches_sends_nothing(bench: Bench) -> None:
    """What is left of it in the buffer must not be taken for an order: not this one, nor the one before it there."""
    source = """
        class S(Strategy):
            calls = 0

            def on_market(self):
                self.calls += 1
                if self.calls == 10:
                    self.view.new_order(BUY, 0, 990, 10)
                    self.view.new_order(BUY, 1, 991, 10)
                if self.calls == 40:
                    self.view.cancel(BUY, 1)
                if self.calls == 80:
                    self.view.cancel(BUY, 0)
                    try:
                        self.view.new_order(BUY, 1, float("nan"), 10)
                    except Exception:
                        pass
    """
    ended = bench.run(source)

    assert ended.answer.code == 0, ended.answer.err
    assert ended.record["summary"]["orders"]["sent"] == 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("NaN", "must be finite, was NaN"),
        ("0.0105", "must be a multiple of 0.001, was 0.0105 (nearest: 0.010 or 0.011)"),
        ("1e30", "must be at most"),
    ],
)
def test_a_quantity_of_the_config_that_is_none_is_refused_with_key_and_value(
    bench: Bench, value: str, words: str
) -> None:
    ended = bench.run(strategy__params={"order_qty": value})

    ended.was_refused(f"ConfigError: strategy.params.order_qty {words}", str(Decimal(value)))
