"""The reference: a two-sided market maker at the touch, n levels, in both forms. Their logs are equal byte by byte."""

from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ..core.intents import quote
from ..core.state import State
from ..model.enums import Wake
from .base import Strategy, View
from .compiled import compiled_strategy
from .params import PriceDistance, Qty, StrategyParams


class TouchMakerParams(StrategyParams):
    """Parameters of both forms."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    levels: int = Field(default=1, ge=1, le=16, description="orders per side, from the touch outwards")
    level_step: PriceDistance = Field(default=Decimal(0), ge=0, description="distance between levels")


@compiled_strategy(TouchMakerParams, wake=Wake.FEED | Wake.ORDERS)
def touch_maker(state: State, params: Any, memory: Any) -> None:  # noqa: ARG001 (one signature for all)
    """Quote the best bid and the best ask, and levels behind them."""
    book = state.books[0]
    if book["bid_ticks"] == 0 or book["ask_ticks"] == 0:
        return
    for level in range(params["levels"]):
        away_ticks = level * params["level_step_ticks"]
        quote(state, 0, 1, level, book["bid_ticks"] - away_ticks, params["order_qty_lots"])
        quote(state, 0, -1, level, book["ask_ticks"] + away_ticks, params["order_qty_lots"])


class TouchMaker(Strategy):
    """The same, interpreted."""

    Params: ClassVar[type[StrategyParams]] = TouchMakerParams
    wake: ClassVar[Wake] = Wake.FEED | Wake.ORDERS

    def __init__(self, params: np.void, view: View) -> None:
        """Work out once what every wakeup needs."""
        super().__init__(params, view)
        self._qty_lots = self.params["order_qty_lots"]
        step_ticks = self.params["level_step_ticks"]
        self._away_ticks = [(level, level * step_ticks) for level in range(self.params["levels"])]

    def on_wakeup(self) -> None:
        """Quote the best bid and the best ask, and levels behind them."""
        view, qty_lots = self.view, self._qty_lots
        bid_ticks, ask_ticks = view.bid_ticks(), view.ask_ticks()
        if bid_ticks == 0 or ask_ticks == 0:
            return
        for level, away_ticks in self._away_ticks:
            view.quote(1, level, bid_ticks - away_ticks, qty_lots)
            view.quote(-1, level, ask_ticks + away_ticks, qty_lots)
