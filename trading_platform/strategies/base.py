"""Interpreted strategies: a class with call-backs. The core decides, checks and sends; the class only asks."""

from typing import Any, ClassVar

import numpy as np

from ..core.bars.spec import BarSpec
from ..model.enums import Side, TimeInForce, Wake
from .params import StrategyParams
from .view import View

__all__ = ["BarSpec", "Side", "Strategy", "TimeInForce", "View", "Wake"]


class Strategy:
    """Base class. Override what you need; read the market through ``self.view``, ask through it too.

    Attributes
    ----------
    Params : params model of the strategy (config section ``strategy.params``)
    wake : when the strategy is called; everything between is folded in compiled code
    interval_ns : for Wake.INTERVAL [ns]
    book_levels, trades_capacity : what the strategy needs of the book and of market trades (0: nothing)
    levels_per_side : slots per side
    bars : series of bars that are made of the market's trades (Wake.BAR, view.bar); the config can set other sizes
    """

    Params: ClassVar[type[StrategyParams]] = StrategyParams
    wake: ClassVar[Wake] = Wake.FEED | Wake.ORDERS
    interval_ns: ClassVar[int] = 0
    book_levels: ClassVar[int] = 0
    trades_capacity: ClassVar[int] = 0
    levels_per_side: ClassVar[int] = 16
    bars: ClassVar[tuple[BarSpec, ...]] = ()

    def __init__(self, params: np.void, view: View) -> None:
        """Take the params record (integers, see StrategyParams.record_dtype) and the view."""
        self.params: dict[str, int] = {name: int(params[name]) for name in params.dtype.names or ()}
        self.view = view

    def on_start(self) -> None:
        """Handle the first block in which every instrument has a bid and an ask."""

    def on_fill(self, event: Any) -> None:
        """Handle a fill of ours (EVENT record of kind FILL)."""

    def on_order(self, event: Any) -> None:
        """Handle a change of an order (STATUS, VENUE_REJECT, REPLACED, ANOMALY)."""

    def on_decision(self, event: Any) -> None:
        """Handle what became of an intent (DENIED, QUEUED, DEQUEUED, SENT) since the last call."""

    def on_trades(self) -> None:
        """Handle market trades: view.trades()."""

    def on_market(self) -> None:
        """Handle new market data."""

    def on_bar(self) -> None:
        """Handle bars that closed: view.bar_count() tells how many there are, view.bar() gives the last one."""

    def on_timer(self) -> None:
        """Handle the timer or the interval."""

    def on_wakeup(self) -> None:
        """Decide: called last in every wakeup, whatever the reason."""

    def on_stop(self) -> None:
        """Handle the end of the run. Nothing can be sent any more."""
