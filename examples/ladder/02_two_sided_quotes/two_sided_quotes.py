"""Step 2: two-sided quotes. Say what you want per slot; the core works out what to send."""

from pydantic import Field

from trading_platform.model.enums import Side, Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import PriceDistance, Qty, StrategyParams


class TwoSidedQuotesParams(StrategyParams):
    """Parameters of the quotes."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    behind: PriceDistance = Field(ge=0, description="distance behind the best bid and the best ask")


class TwoSidedQuotes(Strategy):
    """Keep one bid and one ask a fixed distance behind the touch."""

    Params = TwoSidedQuotesParams
    wake = Wake.TOUCH | Wake.ORDERS  # the touch decides the prices; a fill leaves a slot empty

    def on_wakeup(self) -> None:
        """State both quotes anew: one that stands already costs nothing and keeps its place in the queue."""
        view = self.view
        if view.bid_ticks() == 0 or view.ask_ticks() == 0:
            return  # one side of the book is empty: there is no price to quote behind
        qty_lots, behind_ticks = self.params["order_qty_lots"], self.params["behind_ticks"]
        view.quote(Side.BUY, 0, view.bid_ticks() - behind_ticks, qty_lots)
        view.quote(Side.SELL, 0, view.ask_ticks() + behind_ticks, qty_lots)
