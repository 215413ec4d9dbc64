"""Step 3: a limit that denies. A denial is data: it carries its code and numbers, and the strategy goes on."""

from typing import Any

from pydantic import Field

from trading_platform.model.enums import DenyCode, EventKind, Side, Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import Qty, Seconds, StrategyParams


class PendulumParams(StrategyParams):
    """Parameters of the pendulum."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    pause: Seconds = Field(gt=0, description="time between two orders")


class Pendulum(Strategy):
    """Buy with market orders until the position limit denies, then sell until it denies again."""

    Params = PendulumParams
    wake = Wake.TIMER

    side = Side.BUY

    def on_start(self) -> None:
        """Start the clock."""
        self.view.set_timer(self.view.now_ns + self.params["pause_ns"])

    def on_decision(self, event: Any) -> None:
        """Turn around when the position limit said no. Other denials (HALTED, say) would be no reason to."""
        if event["kind"] == EventKind.DENIED and event["code"] == DenyCode.POSITION:
            # no need to size the way back: an order that only reduces the position always passes this limit
            self.side = Side.SELL if self.side == Side.BUY else Side.BUY

    def on_timer(self) -> None:
        """Ask for the next order, and to be called again."""
        self.view.market_order(self.side, 0, self.params["order_qty_lots"])
        self.view.set_timer(self.view.now_ns + self.params["pause_ns"])
