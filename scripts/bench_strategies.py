"""Strategies that benchmark.py runs beside the touch makers: some that do nothing, and one that is woken less often."""

from typing import Any, ClassVar

from trading_platform.core.state import State
from trading_platform.model.enums import Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.compiled import compiled_strategy
from trading_platform.strategies.params import StrategyParams
from trading_platform.strategies.touch_maker import TouchMaker, TouchMakerParams


@compiled_strategy(TouchMakerParams, wake=Wake.FEED | Wake.ORDERS)
def idle(state: State, params: Any, memory: Any) -> None:
    """Do nothing at every feed event: what is left of a run without orders."""


class Idle(Strategy):
    """The same, interpreted."""

    Params: ClassVar[type[StrategyParams]] = TouchMakerParams
    wake: ClassVar[Wake] = Wake.FEED | Wake.ORDERS

    def on_wakeup(self) -> None:
        """Do nothing."""


class MakerOnTouch(TouchMaker):
    """The touch maker, woken when the touch moves or an order is reported."""

    wake: ClassVar[Wake] = Wake.PRICE | Wake.ORDERS
