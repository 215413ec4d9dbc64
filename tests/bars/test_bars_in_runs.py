"""Bars that a run makes are those of ``data bars`` over its files, in both forms of strategies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backtest.strategies_on_disk import write_strategy
from market_data.builders import BOTH, T0_NS, rows_of
from oracle.builders import maker_config, run

from trading_platform._jit import COMPILED
from trading_platform.backtest.engine import open_session, run_backtest
from trading_platform.core.bars.rule import bar_rule
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.data.bars import make_bars
from trading_platform.data.events import BUY_FLAG, DEPTH, SELL_FLAG, TRADE
from trading_platform.data.files import save_events
from trading_platform.model.errors import ConfigError, DataError
from trading_platform.model.records import Records
from trading_platform.runner.compiled import run_entry
from trading_platform.runner.loop import begin, release
from trading_platform.strategies.compiled import CompiledStrategy

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
    """Run a strategy that only declares bars, with those of a config."""
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
    return played(files, strategy, tmp_path, strategy__bars=config_bars, strategy__params={})


def played(files: tuple[Path, ...], strategy: str, search: Path, **changes: Any) -> list[Records]:
    """Run a compiled strategy; return, per series, all bars in the order of their numbers."""
    session = open_session(maker_config(files, strategy, **changes), search)
    state = session.state

    def flush() -> None:
        state.session[0]["event_count"] = 0
        state.session[0]["pause_block"] = state.session[0]["block_count"] + (1 << 20)

    begin(state, session.data.facts.first_local_ns)
    assert isinstance(session.strategy, CompiledStrategy)
    run_entry(session.engine.venue, state, session.strategy.entry, flush)
    release(session.engine.venue)
    made = []
    for builder in state.bar_series:
        assert builder["bar_count"] <= builder["capacity"]
        first = int(builder["place"]) + 1
        made.append(state.bars[first : first + int(builder["bar_count"])].copy())
    return made


def configured(spec: BarSpec, **more: Any) -> dict[str, Any]:
    return {"kind": spec.kind, "size": str(spec.size), "capacity": 1 << 14} | more


def of_file(spec: BarSpec, file: Path) -> Records:
    return make_bars(spec, BarGrid.of(maker_config((file,)).instrument), [file]).bars


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


@pytest.mark.skipif(not COMPILED, reason="half a million rows, eight times: minutes in plain Python")
def test_bars_of_a_run_over_a_recording_are_those_of_its_file(btcusdt_file: Path, tmp_path: Path) -> None:
    """Every field: prices, sums, the touch in force, lineage, times, reasons."""
    made = kept((btcusdt_file,), [configured(spec) for spec in REAL], tmp_path)
    for spec, bars in zip(REAL, made, strict=True):
        expected = of_file(spec, btcusdt_file)
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


@bar_rule
def odd(builder: np.void, bar: np.void) -> int:
    """Close at an odd price after params[0] trades."""
    builder["memory"][0] += bar["buy_lots"]
    return bar["trades"] >= builder["params"][0] and bar["close_ticks"] % 2 == 1


def test_a_custom_rule_in_a_run_gives_the_bars_of_the_file(slice_file: Path, tmp_path: Path) -> None:
    """The core calls it by its address, `data bars` as an argument."""
    spec = BarSpec("custom", 1, rule=odd, params=(3,), capacity=4096)
    strategy = write_strategy(
        tmp_path,
        """
        from bars.test_bars_in_runs import odd
        from trading_platform.core.bars.spec import BarSpec
        from trading_platform.strategies.compiled import compiled_strategy
        from trading_platform.strategies.params import StrategyParams

        class P(StrategyParams):
            pass

        @compiled_strategy(P, wake=Wake.BAR, bars=(BarSpec("custom", 1, rule=odd, params=(3,), capacity=4096),))
        def S(state, params, memory):
            pass
        """,
    )
    (bars,) = played((slice_file,), strategy, tmp_path, strategy__params={})
    assert len(bars) > 20
    assert bars.tobytes() == of_file(spec, slice_file).tobytes()


ON_BAR = """
    from trading_platform.core.bars.spec import BarSpec

    class S(Strategy):
        wake = Wake.BAR
        bars = (BarSpec("tick", 40, capacity=3), BarSpec("time", 2))
        seen = []

        def on_bar(self):
            view, count = self.view, self.view.bar_count()
            assert view.wake_reason & Wake.BAR
            assert [view.bar(back) is not None for back in range(5)] == [count > back and back < 3 for back in range(5)]
            assert view.bar(-1) is None
            for back in range(min(count, 3)):
                bar = view.bar(back)
                assert (bar.number, bar.trades) == (count - 1 - back, 40)
                assert bar.low_ticks <= bar.vwap_ticks <= bar.high_ticks
            last = view.bar(series=1)
            if last is not None and last.number == len(self.seen):
                self.seen.append((view.now_ns, last.end_ns))

        def on_stop(self):
            assert len(self.seen) > 5
            assert all(now_ns == end_ns for now_ns, end_ns in self.seen)
            try:
                self.view.bar(series=2)
            except IndexError as error:
                assert "bars declares 2" in str(error)
                Path("stopped").touch()
"""


def test_on_bar_is_called_at_the_end_of_a_time_bar_and_sees_what_is_kept(
    slice_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end itself, not with the trade that comes after it."""
    monkeypatch.chdir(tmp_path)
    strategy = write_strategy(tmp_path, ON_BAR)
    run(maker_config((slice_file,), strategy, strategy__params={}), tmp_path / "run", search=tmp_path)
    assert (tmp_path / "stopped").exists()


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        (
            [{"kind": "volume", "size": "0.0001"}] * 4,
            r"strategy.bars\[0\].size must be a multiple of 0.001, was 0.0001",
        ),
        ([{"kind": "time", "size": 0}] * 4, r"strategy.bars\[0\].size must be > 0, was 0"),
        ([{"kind": "week", "size": 1}] * 4, r"strategy.bars\[0\].kind must be .time., .tick., .* was .week."),
        (
            [{"kind": "tick", "size": 4, "trades_min": 2}] * 4,
            r"trades_min must be left out for TICK bars, was 2",
        ),
        (
            [{"kind": "tick-run", "size": 4, "trades_min": 5}] * 4,
            r"strategy.bars\[0\] must have 1 <= trades_min <= size <= trades_max, had 5, 4 and 16",
        ),
        ([{"kind": "tick", "size": 4}], "strategy.bars must have as many series as .* declares, 4, had 1"),
    ],
)
def test_bars_of_the_config_that_cannot_be_are_refused(
    slice_file: Path, tmp_path: Path, bars: list[dict[str, Any]], message: str
) -> None:
    strategy = write_strategy(tmp_path, SERIES)
    with pytest.raises(ConfigError, match=message):
        open_session(
            maker_config((slice_file,), strategy, strategy__params={}, strategy__bars=bars), search=tmp_path
        )


def test_a_block_with_more_trades_than_are_copied_stops_a_run_with_bars(tmp_path: Path) -> None:
    """A trade that is left out would make wrong bars without a word."""
    count = 4097
    rows = rows_of(
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 60_000.0, 1),
        (DEPTH | SELL_FLAG | BOTH, T0_NS, T0_NS + 1, 60_000.1, 1),
        *[(TRADE | BUY_FLAG | BOTH, T0_NS + 5, T0_NS + 6, 60_000.1, 0.001)] * count,
        (DEPTH | SELL_FLAG | BOTH, T0_NS + 7, T0_NS + 8, 60_000.1, 2),
    )
    save_events(tmp_path / "burst.npy", rows)
    strategy = write_strategy(tmp_path, SERIES)
    config = maker_config((tmp_path / "burst.npy",), strategy, strategy__params={})
    (tmp_path / "run").mkdir()
    with pytest.raises(
        DataError, match=r"at most 4096 market trades for bars, had 4097 .*raise engine.trades_capacity"
    ):
        run_backtest(config, tmp_path / "run", search=tmp_path)

    wide = maker_config(
        (tmp_path / "burst.npy",), strategy, strategy__params={}, engine__trades_capacity=count
    )
    assert run(wide, tmp_path / "wide", search=tmp_path).record["status"] == "done"


def test_a_trade_of_nothing_stops_a_run_with_bars(tmp_path: Path) -> None:
    rows = rows_of(
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 60_000.0, 1),
        (DEPTH | SELL_FLAG | BOTH, T0_NS, T0_NS + 1, 60_000.1, 1),
        (TRADE | BUY_FLAG | BOTH, T0_NS + 5, T0_NS + 6, 60_000.1, 0),
        (DEPTH | SELL_FLAG | BOTH, T0_NS + 7, T0_NS + 8, 60_000.1, 2),
    )
    save_events(tmp_path / "nothing.npy", rows)
    config = maker_config((tmp_path / "nothing.npy",), write_strategy(tmp_path, SERIES), strategy__params={})
    (tmp_path / "run").mkdir()
    with pytest.raises(DataError, match=r"a market trade must have a quantity > 0, .* at 600001 ticks"):
        run_backtest(config, tmp_path / "run", search=tmp_path)
