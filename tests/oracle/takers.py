"""A strategy that takes more than the best level, beside one that rests: what `taker_sweeps` is for."""

from typing import ClassVar

from pydantic import Field

from trading_platform.strategies.base import Strategy, TimeInForce, Wake
from trading_platform.strategies.params import PriceDistance, Qty, StrategyParams

FLIP_WAKEUPS = 600  # after as many wakeups the other side's turn begins


class SweeperParams(StrategyParams):
    """Parameters of the sweeper."""

    rest_qty: Qty = Field(gt=0, description="quantity of the resting order")
    take_qty: Qty = Field(gt=0, description="quantity of the takers")
    reach: PriceDistance = Field(ge=0, description="how far beyond the touch a taker may trade")
    every: int = Field(ge=1, description="market wakeups from taker to taker")


class Sweeper(Strategy):
    """Rest one order at the touch of one side, take with another of the same side now and then, flip sides."""

    Params: ClassVar[type[StrategyParams]] = SweeperParams
    wake: ClassVar[Wake] = Wake.FEED | Wake.ORDERS

    def on_start(self) -> None:
        self.wakeups = 0

    def on_wakeup(self) -> None:
        view = self.view
        touch_ticks = {1: view.bid_ticks(), -1: view.ask_ticks()}
        if 0 in touch_ticks.values():
            return
        side = 1 if self.wakeups // FLIP_WAKEUPS % 2 == 0 else -1
        self.wakeups += 1
        view.quote(-side, 0, touch_ticks[-side], 0)
        view.quote(side, 0, touch_ticks[side], self.params["rest_qty_lots"])
        if self.wakeups % self.params["every"] == 0 and not view.is_busy(side, 1):
            price_ticks = touch_ticks[-side] + side * self.params["reach_ticks"]
            view.new_order(side, 1, price_ticks, self.params["take_qty_lots"], tif=int(TimeInForce.IOC))
