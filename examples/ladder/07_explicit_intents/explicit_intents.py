"""Step 7: explicit intents. The strategy itself decides between new, replace and cancel, and says why."""

from enum import IntEnum

from pydantic import Field

from trading_platform.model.enums import Side, TimeInForce, Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import PriceDistance, Qty, StrategyParams


class Reason(IntEnum):
    """Tags: they go into every event that an intent causes."""

    JOIN = 1
    FOLLOW = 2
    STEP_ASIDE = 3


class FollowerParams(StrategyParams):
    """Parameters of the follower."""

    order_qty: Qty = Field(gt=0, description="quantity of the order")
    max_spread: PriceDistance = Field(gt=0, description="no order while the spread is wider than this")


class Follower(Strategy):
    """Keep one post-only order at the touch: a bid while flat, then the ask that closes the position."""

    Params = FollowerParams
    wake = Wake.TOUCH | Wake.ORDERS

    def on_wakeup(self) -> None:
        """Compare the slot's order with the touch."""
        view = self.view
        side = Side.SELL if view.position_lots() > 0 else Side.BUY
        price_ticks = view.bid_ticks() if side == Side.BUY else view.ask_ticks()
        wide = view.ask_ticks() - view.bid_ticks() > self.params["max_spread_ticks"]
        order, qty_lots = view.order(side, 0), self.params["order_qty_lots"]
        if order is None:
            if not wide and not view.is_busy(side, 0):  # busy: a replace still waits for its turn
                view.new_order(side, 0, price_ticks, qty_lots, tif=TimeInForce.POST_ONLY, tag=Reason.JOIN)
        elif order.pending:
            return  # a request is in flight: its report calls us again
        elif wide:
            view.cancel(side, 0, tag=Reason.STEP_ASIDE)
        elif order.price_ticks != price_ticks:
            view.replace(side, 0, price_ticks, qty_lots, tif=TimeInForce.POST_ONLY, tag=Reason.FOLLOW)
