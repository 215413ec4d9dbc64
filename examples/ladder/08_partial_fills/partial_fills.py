"""Step 8: partial fills. An order can trade in pieces, so quantities follow the position, not the orders."""

from pydantic import Field

from trading_platform.model.enums import Side, Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import Qty, StrategyParams


class ShuttleParams(StrategyParams):
    """Parameters of the shuttle."""

    max_position: Qty = Field(gt=0, description="the position moves between 0 and this")


class Shuttle(Strategy):
    """Bid for what is missing to the full position, offer what there is of it, both at the touch."""

    Params = ShuttleParams
    wake = Wake.TOUCH | Wake.ORDERS

    def on_wakeup(self) -> None:
        """Quote both quantities: they are right after whole fills and after pieces.

        A bid of 200 lots of which 30 were bought has 170 leaves. 170 is also what is missing now, so the wish is
        satisfied and the order keeps its place in the queue. The ask grows by the 30 and is replaced.
        """
        view = self.view
        if view.bid_ticks() == 0 or view.ask_ticks() == 0:
            return
        held_lots = view.position_lots()
        view.quote(Side.BUY, 0, view.bid_ticks(), self.params["max_position_lots"] - held_lots)
        view.quote(Side.SELL, 0, view.ask_ticks(), held_lots)  # 0: nothing to offer, no order
