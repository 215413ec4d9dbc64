"""Moving-average cross-over on bars, in both forms. Their logs are equal byte by byte."""

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from ..core.bars.live import bar_count, bar_index
from ..core.bars.spec import BarSpec
from ..core.indicators.averages import EWMA, ewma
from ..core.intents import market_order
from ..core.state import State
from ..model.enums import Wake
from .base import Strategy
from .compiled import compiled_strategy
from .params import Qty, StrategyParams
from .view import View

BARS = (BarSpec("time", 60),)


class MaCrossParams(StrategyParams):
    """Parameters of both forms. The bars are those of ``strategy.bars``, of a minute unless set."""

    order_qty: Qty = Field(gt=0, description="position: long or short of this quantity")
    fast: int = Field(default=5, ge=1, le=10_000, description="span of the fast average [bars]")
    slow: int = Field(default=20, ge=2, le=10_000, description="span of the slow average [bars]")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast must be below slow ({self.slow}), was {self.fast}")
        return self


class MaCrossMemory:
    """Two averages of closing prices, and how many bars they have seen."""

    fast: Annotated[np.void, EWMA]
    slow: Annotated[np.void, EWMA]
    seen: int


@compiled_strategy(MaCrossParams, MaCrossMemory, wake=Wake.BAR, bars=BARS)
def ma_cross(state: State, params: Any, memory: Any) -> None:
    """Be long while the fast average of closes is above the slow one, short while it is below, with market orders.

    The averages are exponential, seeded with the mean of their first values; nothing is traded before the slow one has
    ``slow`` bars. An order that was filled in part is completed at the next bar.
    """
    count = bar_count(state, 0)
    for back in range(count - memory["seen"] - 1, -1, -1):
        index = bar_index(state, 0, back)
        if index < 0:
            continue  # more closed at once than are kept
        close_ticks = float(state.bars[index]["close_ticks"])
        ewma(memory["fast"], close_ticks, 2.0 / (params["fast"] + 1), params["fast"])
        ewma(memory["slow"], close_ticks, 2.0 / (params["slow"] + 1), params["slow"])
    memory["seen"] = count
    if memory["slow"]["count"] < params["slow"] or memory["fast"]["value"] == memory["slow"]["value"]:
        return
    side = 1 if memory["fast"]["value"] > memory["slow"]["value"] else -1
    missing_lots = params["order_qty_lots"] - side * state.positions[0]["net_lots"]
    if missing_lots > 0:
        market_order(state, 0, side, 0, missing_lots)


class MaCross(Strategy):
    """The same, interpreted."""

    Params: ClassVar[type[StrategyParams]] = MaCrossParams
    wake: ClassVar[Wake] = Wake.BAR
    bars: ClassVar[tuple[BarSpec, ...]] = BARS

    def __init__(self, params: np.void, view: View) -> None:
        super().__init__(params, view)
        self.fast, self.slow = np.zeros(1, EWMA)[0], np.zeros(1, EWMA)[0]
        self.seen = 0

    def on_bar(self) -> None:
        """Be long while the fast average of closes is above the slow one, short while it is below."""
        params, view, count = self.params, self.view, self.view.bar_count()
        for back in range(count - self.seen - 1, -1, -1):
            bar = view.bar(back)
            if bar is None:
                continue
            for average, span in ((self.fast, params["fast"]), (self.slow, params["slow"])):
                ewma(average, float(bar.close_ticks), 2.0 / (span + 1), span)
        self.seen = count
        if self.slow["count"] < params["slow"] or self.fast["value"] == self.slow["value"]:
            return
        side = 1 if self.fast["value"] > self.slow["value"] else -1
        missing_lots = params["order_qty_lots"] - side * view.position_lots()
        if missing_lots > 0:
            view.market_order(side, 0, missing_lots)
