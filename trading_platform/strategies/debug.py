"""The lineage's debug strategy: quotes on the first levels of the book with explicit new and replace intents."""

from typing import ClassVar

from pydantic import Field

from ..model.enums import TimeInForce, Wake
from .base import Strategy
from .params import PriceDistance, Qty, StrategyParams


class DebugParams(StrategyParams):
    """Parameters of the debug strategy."""

    spread: PriceDistance = Field(
        gt=0, description="distance of bid and ask where the book has no such level"
    )
    order_qty: Qty = Field(gt=0, description="quantity of each order")
    levels: int = Field(default=3, ge=1, le=16, description="levels of the book to quote on, per side")
    post_only: bool = Field(default=True, description="post-only, else good till canceled")


class DebugStrategy(Strategy):
    """Put one order on each of the first levels of both sides, and move it when the level moves."""

    Params: ClassVar[type[StrategyParams]] = DebugParams
    wake: ClassVar[Wake] = Wake.FEED
    book_levels: ClassVar[int] = 20

    def on_market(self) -> None:
        """Compare each slot with its level of the book."""
        if self.view.bid_ticks() == 0 or self.view.ask_ticks() == 0 or self.view.halted():
            return
        for side in (1, -1):
            for level, price_ticks in enumerate(self._prices(side)):
                self._want(side, level, price_ticks)

    def _prices(self, side: int) -> list[int]:
        """Return the prices of the first non-empty levels; beyond them, half the spread from the mid and outwards."""
        wanted, prices = self.params["levels"], []
        for index in range(self.view.book_levels):
            price_ticks, qty_lots = self.view.level(side, index)
            if qty_lots > 0:
                prices.append(price_ticks)
                if len(prices) == wanted:
                    return prices
        middle_ticks = self.view.mark_halfticks() // 2
        half_spread_ticks = self.params["spread_ticks"] // 2
        return prices + [
            middle_ticks - side * (half_spread_ticks + level) for level in range(len(prices), wanted)
        ]

    def _want(self, side: int, level: int, price_ticks: int) -> None:
        tif = TimeInForce.POST_ONLY if self.params["post_only"] else TimeInForce.GTC
        order = self.view.order(side, level)
        if order is not None and (order.price_ticks == price_ticks or order.pending):
            return
        if self.view.is_busy(side, level):
            self.view.replace(side, level, price_ticks, self.params["order_qty_lots"], tif=int(tif))
        else:
            self.view.new_order(side, level, price_ticks, self.params["order_qty_lots"], tif=int(tif))
