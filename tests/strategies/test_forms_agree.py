"""A strategy written in both forms gives one log, byte by byte, whatever limits and venues do to it."""

from pathlib import Path
from typing import Any

import pytest
from backtest.strategies_on_disk import write_strategy
from oracle.builders import FORMS, PARTS, Done, maker_config, run

from trading_platform.model.enums import EventKind

LEVELS = {"order_qty": "0.01", "levels": 3, "level_step": "0.5"}
VARIANTS: dict[str, dict[str, Any]] = {
    "no partial fills": {},
    "partial fills": {
        "engine__exchange_model": "partial_fill",
        "engine__queue_model": {"kind": "power_prob"},
    },
    "at once": {"engine__replace_policy": "at_once", "engine__depth": {"kind": "hashmap"}},
    "throttled": {
        "risk__order_rate_limits": {"max_orders_per_second": "2.5", "max_cancels_per_second": "2.5"},
        "risk__position_limits__max_position": "0.05",
    },
    "halted": {"risk__max_loss": {"rolling_loss": "1", "rolling_loss_window_seconds": 10}},
}


def both(tmp_path: Path, files: tuple[Path, ...], forms: tuple[str, ...], **changes: Any) -> list[Done]:
    return [
        run(maker_config(files, form, **changes), tmp_path / f"form-{number}", search=tmp_path)
        for number, form in enumerate(forms)
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_touch_makers_with_three_levels_give_one_log(slice_file: Path, tmp_path: Path, variant: str) -> None:
    interpreted, compiled = both(tmp_path, (slice_file,), FORMS, strategy__params=LEVELS, **VARIANTS[variant])

    assert interpreted.digest == compiled.digest
    assert len(interpreted.fills()) > 5
    slots = set(interpreted.of(EventKind.SENT)["slot"].tolist())
    assert slots == set(range(6)), "three levels on two sides"
    if variant == "throttled":
        assert len(interpreted.of(EventKind.QUEUED)) > 100
        assert len(interpreted.of(EventKind.DENIED)) > 10
    if variant == "halted":
        assert len(interpreted.of(EventKind.HALT)) == 1


@pytest.mark.long
@pytest.mark.parametrize("variant", VARIANTS)
def test_touch_makers_give_one_log_over_the_whole_bundled_market(tmp_path: Path, variant: str) -> None:
    interpreted, compiled = both(tmp_path, PARTS, FORMS, strategy__params=LEVELS, **VARIANTS[variant])

    assert interpreted.digest == compiled.digest


COUNTING = """
    from trading_platform.strategies.compiled import cancel, compiled_strategy, market_order, new_order, replace
    from trading_platform.strategies.params import Qty, Seconds, StrategyParams

    class P(StrategyParams):
        qty: Qty
        every: int

    class M:
        calls: int
        average: float
        armed: bool

    WAKE = Wake.TOUCH | Wake.TRADES | Wake.INTERVAL

    @compiled_strategy(P, M, wake=WAKE, interval_ns=50_000_000, trades_capacity=64, levels_per_side=4)
    def C(state, params, memory):
        memory["calls"] += 1
        memory["average"] += (state.books[0]["mark_halfticks"] - memory["average"]) / 16.0
        if memory["calls"] % params["every"]:
            return
        memory["armed"] = not memory["armed"]
        if memory["armed"]:
            bid = min(int(memory["average"] / 2.0), state.books[0]["ask_ticks"] - 1)
            new_order(state, 0, 1, 1, bid, params["qty_lots"], 1, 7)
            market_order(state, 0, -1, 0, params["qty_lots"], 8)
        else:
            replace(state, 0, 1, 1, state.books[0]["bid_ticks"] - 2, params["qty_lots"], 0, 9)
            cancel(state, 0, -1, 3, 10)

    class S(Strategy):
        Params = P
        wake = WAKE
        interval_ns = 50_000_000
        trades_capacity = 64
        levels_per_side = 4
        calls, average, armed = 0, 0.0, False

        def on_wakeup(self):
            view, qty = self.view, self.params["qty_lots"]
            self.calls += 1
            self.average += (view.mark_halfticks() - self.average) / 16.0
            if self.calls % self.params["every"]:
                return
            self.armed = not self.armed
            if self.armed:
                bid = min(int(self.average / 2.0), view.ask_ticks() - 1)
                view.new_order(BUY, 1, bid, qty, tif=1, tag=7)
                view.market_order(SELL, 0, qty, tag=8)
            else:
                view.replace(BUY, 1, view.bid_ticks() - 2, qty, tif=0, tag=9)
                view.cancel(SELL, 3, tag=10)
"""


def test_explicit_intents_memory_and_wake_policies_give_one_log(slice_file: Path, tmp_path: Path) -> None:
    interpreted = write_strategy(tmp_path, COUNTING)
    compiled = interpreted.replace(":S", ":C")
    params = {"qty": "0.01", "every": 5}
    first, second = both(tmp_path, (slice_file,), (interpreted, compiled), strategy__params=params)

    assert first.digest == second.digest
    tags = set(first.of(EventKind.INTENT)["tag"].tolist())
    assert tags == {7, 8, 9, 10}
    assert len(first.fills()) > 10


def test_memory_starts_as_zeros_in_every_run(slice_file: Path, tmp_path: Path) -> None:
    compiled = write_strategy(tmp_path, COUNTING).replace(":S", ":C")
    config = maker_config((slice_file,), compiled, strategy__params={"qty": "0.01", "every": 7})
    first, second = (run(config, tmp_path / name, search=tmp_path) for name in ("first", "second"))

    assert first.digest == second.digest
