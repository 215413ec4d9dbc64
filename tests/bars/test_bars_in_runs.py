"""Bars that a run makes are those of ``data bars`` over its files, in both forms of strategies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backtest.strategies_on_disk import write_strategy
from oracle.builders import PARTS, maker_config, run

from trading_platform.backtest.engine import open_session
from trading_platform.config.load import load_config
from trading_platform.core.bars.records import BAR
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.data.bars import MadeBars, make_bars
from trading_platform.data.convert import convert
from trading_platform.model.errors import ConfigError, DataError
from trading_platform.model.records import Records
from trading_platform.runner.compiled import run_entry
from trading_platform.runner.loop import begin, release

from market_data.builders import USDM_FILE, recordings
from .builders import SPECS

SERIES = """
    from trading_platform.core.bars.rule import bar_rule
    from trading_platform.core.bars.spec import BarSpec
    from trading_platform.strategies.compiled import bar_count, bar_index, compiled_strategy, quote
    from trading_platform.strategies.params import StrategyParams

    class P(StrategyParams):
        pass

    class M:
        calls: int

    @bar_rule
    def odd(builder, bar):
        builder["memory"][0] += bar["buy_lots"]
        return bar["trades"] >= builder["params"][0] and bar["close_ticks"] % 2 == 1

    BARS = (
        BarSpec("time", 1, capacity=4),
        BarSpec("tick", 50, capacity=2),
        BarSpec("volume", 5, capacity=1),
        BarSpec("custom", 1, rule=odd, params=(20,), capacity=3),
    )
    WAKE = Wake.BAR | Wake.ORDERS

    @compiled_strategy(P, M, wake=WAKE, bars=BARS)
    def C(state, params, memory):
        memory["calls"] += 1
        lots = 1 + bar_count(state, 0) % 5
        for series in range(4):
            last = bar_index(state, series, 0)
            first = bar_index(state, series, 2)
            if last < 0:
                continue
            price = state.bars[last]["low_ticks"] - series
            if first >= 0 and state.bars[first]["close_ticks"] > state.bars[last]["close_ticks"]:
                price -= state.bars[last]["number"] % 7
            quote(state, 0, 1, series, price, lots)

    class S(Strategy):
        Params = P
        wake = WAKE
        bars = BARS

        def on_wakeup(self):
            view = self.view
            lots = 1 + view.bar_count() % 5
            for series in range(4):
                last, first = view.bar(series=series), view.bar(2, series)
                if last is None:
                    continue
                price = last.low_ticks - series
                if first is not None and first.close_ticks > last.close_ticks:
                    price -= last.number % 7
                view.quote(1, series, price, lots)
"""


def kept(files: tuple[Path, ...], config_bars: list[dict[str, Any]], tmp_path: Path) -> list[Records]:
    """Run and return, per series, all bars in the order of their numbers: the ring is as large as the run needs."""
    strategy = write_strategy(
        tmp_path,
        f"""
        from trading_platform.core.bars.spec import BarSpec
        from trading_platform.strategies.compiled import compiled_strategy
        from trading_platform.strategies.params import StrategyParams

        class P(StrategyParams):
            pass

        @compiled_strategy(P, wake=Wake.BAR, bars=(BarSpec("tick", 1),) * {len(config_bars)})
        def S(state, params, memory):
            pass
        """,
    )
    config = maker_config(files, strategy, strategy__bars=config_bars, strategy__params={})
    session = open_session(config, tmp_path)
    state = session.state

    def flush() -> None:
        state.session[0]["event_count"] = 0
        state.session[0]["pause_block"] = state.session[0]["block_count"] + (1 << 20)

    begin(state, session.data.facts.first_local_ns)
    run_entry(session.engine.venue, state, session.strategy.entry, flush)  # type: ignore[union-attr]
    release(session.engine.venue)
    made = []
    for builder in state.bar_series:
        assert builder["bar_count"] <= builder["capacity"]
        first = int(builder["place"]) + 1
        made.append(state.bars[first : first + int(builder["bar_count"])].copy())
    return made


def configured(spec: BarSpec, **more: Any) -> dict[str, Any]:
    return {"kind": spec.kind, "size": str(spec.size), "capacity": 1 << 14} | more


@pytest.fixture(scope="session")
def btcusdt_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = recordings(USDM_FILE)
    return convert("binance-usdm", [path], tmp_path_factory.mktemp("bars")).files[0].path


def whole(spec: BarSpec, files: tuple[Path, ...]) -> MadeBars:
    instrument = maker_config(files).instrument
    return make_bars(spec, BarGrid.of(instrument), files)


REAL = (
    BarSpec("time", 5),
    BarSpec("tick", 100),
    BarSpec("volume", 5),
    BarSpec("notional", 300_000),
    BarSpec("range", 5),
    BarSpec("renko", 5),
    BarSpec("tick-imbalance", 60),
    BarSpec("volume-run", 60),
)


def test_bars_of_a_run_over_a_recording_are_those_of_its_file(btcusdt_file: Path, tmp_path: Path) -> None:
    """Every field: prices, sums, the touch in force, lineage, times, reasons."""
    for spec, bars in zip(REAL, kept((btcusdt_file,), [configured(spec) for spec in REAL], tmp_path), strict=True):
        expected = whole(spec, (btcusdt_file,)).bars
        assert len(expected) > 20
        assert bars.tobytes() == expected.tobytes(), spec.kind


def test_both_forms_see_the_same_bars_and_give_one_digest(slice_file: Path, tmp_path: Path) -> None:
    interpreted = write_strategy(tmp_path, SERIES)
    compiled = interpreted.replace(":S", ":C")
    first, second = (
        run(maker_config((slice_file,), form, strategy__params={}), tmp_path / name, search=tmp_path)
        for name, form in (("interpreted", interpreted), ("compiled", compiled))
    )
    assert first.digest == second.digest
    assert first.record["wakeups"] > 30
    assert len(first.events) > 100
