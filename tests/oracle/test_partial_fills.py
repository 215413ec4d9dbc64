"""The partial-fill exchange: every queue model runs to the end, quantities are exact, what is estimated says so."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from trading_platform.config.run import RunConfig
from trading_platform.model.enums import CommandKind, DenyCode, EventFlag, EventKind, OrderStatus
from trading_platform.venues.hftbacktest.adapter import SHADE_LOTS
from trading_platform.venues.hftbacktest.returncodes import FATAL

from .builders import COMPILED, QUEUES, Done, Events, maker_config, run
from .mirror import Chunk, Mirror, blocks_of, chunk_of, mirror
from .raw_loop import END, raw_maker

LOTS = 10
SWEEPS = ("estimate", "best_level", "deny")
SWEEPER = "oracle.takers:Sweeper"
Files = tuple[Path, ...]


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue["kind"])
def test_run_reaches_the_end_with_exact_quantities(
    btcusdt: Files, tmp_path: Path, queue: dict[str, object]
) -> None:
    config = maker_config(btcusdt, COMPILED, engine__exchange_model="partial_fill", engine__queue_model=queue)
    done = run(config, tmp_path / "run")

    assert_done(done)
    fills = done.of(EventKind.FILL)
    assert (fills["status_to"] == OrderStatus.PARTIALLY_FILLED).any(), "the model never filled in parts"


def assert_done(done: Done) -> None:
    assert done.record["status"] == "done"
    assert done.record["stop"] == "END_OF_DATA"
    assert done.record["summary"]["anomalies"]["total"] == 0
    assert_position_is_the_sum_of_fills(done)
    assert_each_order_adds_up(done)


def sweep_parameters() -> list[ParameterSet]:
    """Return every queue model with every policy; CI runs each queue model once and each policy twice."""
    return [
        pytest.param(queue, sweeps, id=f"{queue['kind']}-{sweeps}", marks=[] if first else pytest.mark.long)
        for (row, queue), (column, sweeps) in itertools.product(enumerate(QUEUES), enumerate(SWEEPS))
        for first in [row % 3 == column]
    ]


@pytest.mark.parametrize(("queue", "sweeps"), sweep_parameters())
def test_takers_trade_what_the_bare_engine_says_and_what_is_estimated_is_flagged(
    btcusdt: Files, tmp_path: Path, queue: dict[str, object], sweeps: str
) -> None:
    """The commands of the log go to hftbacktest alone: it must come to the same quantities, prices and times."""
    config = sweeper_config(btcusdt, queue, sweeps)
    done = run(config, tmp_path / "run")
    engine = mirror(config, done)
    blocks = blocks_of(done.of(EventKind.FILL))

    assert_done(done)
    for index, (block, chunk) in enumerate(itertools.zip_longest(blocks, engine.chunks)):
        assert block is not None, f"block {index} of fills is missing: the engine has {chunk}"
        assert chunk_of(block) == chunk, f"block {index} of {len(blocks)}"
        assert_flags(block, chunk)
    estimated = (done.of(EventKind.FILL)["flags"] & EventFlag.ESTIMATED) != 0
    assert done.record["summary"]["fills"]["estimated"] == estimated.sum() > 0
    assert_policy(done, engine, sweeps)


def sweeper_config(files: Files, queue: dict[str, object], sweeps: str) -> RunConfig:
    """Return a run with a taker of 3 BTC at every 17th wakeup: the best level holds less than that every other time."""
    return maker_config(
        files,
        SWEEPER,
        engine__exchange_model="partial_fill",
        engine__queue_model=queue,
        engine__taker_sweeps=sweeps,
        strategy__params={"rest_qty": "0.01", "take_qty": 3, "reach": "3", "every": 17},
    )


def assert_flags(block: Events, chunk: Chunk) -> None:
    """Only the unseen part of a taker is estimated, at prices no worse than the last one, which the engine told."""
    unseen = block[:-1]
    if chunk.maker or chunk.lots == chunk.last_lots:
        assert len(unseen) == 0
        return
    assert ((unseen["flags"] & EventFlag.ESTIMATED) != 0).all()
    assert ((unseen["flags"] & EventFlag.MAKER) == 0).all()
    assert int(unseen["qty_lots"].sum()) == chunk.lots - chunk.last_lots
    behind = unseen["side"].astype(np.int64) * (chunk.last_ticks - unseen["price_ticks"])
    assert (behind >= 0).all()
    assert (np.diff(behind) <= 0).all(), "a sweep goes from the touch outwards"


def assert_policy(done: Done, engine: Mirror, sweeps: str) -> None:
    """A level can shrink while an order travels: sweeps happen under each policy, larger orders under one alone."""
    larger = sum(taker.lots > taker.best_lots for taker in engine.takers)
    denied = int((done.of(EventKind.DENIED)["code"] == DenyCode.TAKER_SWEEP).sum())

    assert len(engine.takers) > 500
    assert (larger > 100) if sweeps == "estimate" else (larger == 0)
    assert (denied > 100) if sweeps == "deny" else (denied == 0)


def assert_position_is_the_sum_of_fills(done: Done) -> None:
    fills = done.of(EventKind.FILL)
    running = np.cumsum(fills["side"].astype(np.int64) * fills["qty_lots"])
    assert len(running) > 100
    assert (fills["c"] == running).all()
    assert done.of(EventKind.PNL)[-1]["qty_lots"] == running[-1]


def assert_each_order_adds_up(done: Done) -> None:
    sent = done.of(EventKind.SENT)
    sent_lots = {int(row["order_id"]): int(row["qty_lots"]) for row in sent[sent["a"] == CommandKind.NEW]}
    cum_lots = dict.fromkeys(sent_lots, 0)
    for fill in done.of(EventKind.FILL):
        order_id = int(fill["order_id"])
        cum_lots[order_id] += int(fill["qty_lots"])
        assert int(fill["b"]) == cum_lots[order_id] <= sent_lots[order_id]
        assert int(fill["leaves_lots"]) == sent_lots[order_id] - cum_lots[order_id]
        assert (fill["status_to"] == OrderStatus.FILLED) == (cum_lots[order_id] == sent_lots[order_id])


def test_hftbacktest_2_4_4_returns_14_when_a_fill_exhausts_an_order_exactly(btcusdt: Files) -> None:
    """Why the adapter shades quantities (upstream #301, #312). If this fails, the engine is mended: drop the shade."""
    config = maker_config(btcusdt, engine__exchange_model="partial_fill")
    codes = {}
    for shade in (0.0, SHADE_LOTS):
        maker = raw_maker(config, LOTS, shade_lots=shade)
        codes[shade] = maker.run()
        if shade == 0.0:
            assert maker.raw.wait() == 14, "the engine repeats the code for ever"
        maker.raw.close()

    assert codes == {0.0: 14, SHADE_LOTS: END}
    assert 14 in FATAL
