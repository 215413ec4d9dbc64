"""Step 1: one order. Buy once at the best bid and wait."""

from pydantic import Field

from trading_platform.model.enums import Side, Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import Qty, StrategyParams


class OneOrderParams(StrategyParams):
    """Parameters of the single order."""

    order_qty: Qty = Field(gt=0, description="quantity of the order")


class OneOrder(Strategy):
    """Send one buy order at the best bid. It rests there until it is filled or the data ends."""

    Params = OneOrderParams
    wake = Wake.NONE  # on_start is always called, and there is nothing to do afterwards

    def on_start(self) -> None:
        """Ask for the order: called once, in the first block that has a bid and an ask."""
        # a slot is (side, level): this order is the buy at level 0
        self.view.new_order(Side.BUY, 0, self.view.bid_ticks(), self.params["order_qty_lots"])
