"""The partial-fill exchange: every queue model runs to the end, and quantities are exact."""

from pathlib import Path

import numpy as np
import pytest

from trading_platform.model.enums import CommandKind, EventKind, OrderStatus
from trading_platform.venues.hftbacktest.adapter import SHADE_LOTS
from trading_platform.venues.hftbacktest.returncodes import FATAL

from .builders import COMPILED, Done, maker_config, run
from .raw_loop import END, raw_maker

LOTS = 10
QUEUES = (
    {"kind": "risk_averse"},
    {"kind": "log_prob"},
    {"kind": "log_prob2"},
    {"kind": "power_prob", "exponent": 1},
    {"kind": "power_prob2", "exponent": 2},
    {"kind": "power_prob3", "exponent": 3},
)
Files = tuple[Path, ...]


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue["kind"])
def test_run_reaches_the_end_with_exact_quantities(
    btcusdt: Files, tmp_path: Path, queue: dict[str, object]
) -> None:
    config = maker_config(btcusdt, COMPILED, engine__exchange_model="partial_fill", engine__queue_model=queue)
    done = run(config, tmp_path / "run")

    assert done.record["status"] == "done"
    assert done.record["stop"] == "END_OF_DATA"
    assert_position_is_the_sum_of_fills(done)
    assert_each_order_adds_up(done)
    fills = done.of(EventKind.FILL)
    assert (fills["status_to"] == OrderStatus.PARTIALLY_FILLED).any(), "the model never filled in parts"
    assert done.record["summary"]["anomalies"]["total"] == 0


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
