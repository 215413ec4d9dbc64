"""The cross-over is long while the fast average is above the slow one: as the averages over the file's bars say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle.builders import Done, maker_config, run
from pydantic import ValidationError

from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.core.indicators import batch
from trading_platform.data.bars import make_bars
from trading_platform.model.enums import EventKind
from trading_platform.strategies.ma_cross import MaCrossParams

FORMS = ("trading_platform.strategies.ma_cross:ma_cross", "trading_platform.strategies.ma_cross:MaCross")
PARAMS = {"order_qty": "0.01", "fast": 2, "slow": 5}


def cross(file: Path, directory: Path, form: str, bars: dict[str, Any]) -> Done:
    config = maker_config((file,), form, strategy__params=PARAMS, strategy__bars=[bars])
    return run(config, directory)


@pytest.fixture(scope="module")
def runs(slice_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Done]:
    folder = tmp_path_factory.mktemp("cross")
    return [
        cross(slice_file, folder / str(number), form, {"kind": "tick", "size": 20})
        for number, form in enumerate(FORMS)
    ]


def test_both_forms_give_one_log(runs: list[Done]) -> None:
    compiled, interpreted = runs
    assert compiled.digest == interpreted.digest
    assert len(compiled.of(EventKind.SENT)) > 5


def test_positions_follow_the_averages_of_the_bars_of_the_file(runs: list[Done], slice_file: Path) -> None:
    grid = BarGrid.of(maker_config((slice_file,)).instrument)
    bars = make_bars(BarSpec("tick", 20), grid, [slice_file]).bars
    closes = bars["close_ticks"].astype(float)
    fast, slow = (batch.ewma(closes, 2 / (span + 1), seed=span) for span in (2, 5))
    above = np.where(np.isnan(slow) | (fast == slow), 0, np.sign(fast - slow))
    assert (above[:4] == 0).all()
    changes = [(int(bar["end_ns"]), side) for bar, side in zip(bars, above, strict=True) if side]
    turns = [one for index, one in enumerate(changes) if index == 0 or changes[index - 1][1] != one[1]]

    sent = runs[0].of(EventKind.SENT)
    assert [(int(event["now_ns"]), int(event["side"])) for event in sent] == turns
    assert sent["qty_lots"].tolist() == [10, *[20] * (len(turns) - 1)]


def test_more_bars_at_once_than_are_kept_are_passed_over(slice_file: Path, tmp_path: Path) -> None:
    bars = {"kind": "tick", "size": 1, "capacity": 1}
    compiled, interpreted = (
        cross(slice_file, tmp_path / str(number), form, bars) for number, form in enumerate(FORMS)
    )
    assert compiled.digest == interpreted.digest


def test_fast_must_be_below_slow() -> None:
    with pytest.raises(ValidationError, match=r"fast must be below slow \(5\), was 5"):
        MaCrossParams(order_qty="0.01", fast=5, slow=5)  # type: ignore[arg-type]
