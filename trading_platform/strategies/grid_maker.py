"""A compiled grid market maker whose quotes lean against its inventory."""

from typing import Any

from pydantic import Field

from ..core.intents import quote
from ..core.state import State
from ..model.enums import Wake
from .compiled import compiled_strategy
from .params import PriceDistance, Qty, StrategyParams


class GridMakerParams(StrategyParams):
    """Parameters of the grid maker."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    levels: int = Field(default=5, ge=1, le=16, description="orders per side")
    half_spread: PriceDistance = Field(
        gt=0, description="distance of the first quote from the reservation price"
    )
    grid_step: PriceDistance = Field(gt=0, description="quotes lie on multiples of this price")
    skew_step: PriceDistance = Field(
        ge=0, description="shift of the reservation price per order_qty of position"
    )
    max_position: Qty = Field(gt=0, description="no quote that would add to a position beyond this")


@compiled_strategy(GridMakerParams, wake=Wake.TOUCH | Wake.ORDERS)
def grid_maker(state: State, params: Any, memory: Any) -> None:  # noqa: ARG001 (one signature for all)
    """Quote a grid around a reservation price: the mid, shifted against the position.

    Prices are rounded outwards to the grid and kept off the opposite touch, so the quotes stay put while the mid
    moves less than a grid step.
    """
    book = state.books[0]
    if book["bid_ticks"] == 0 or book["ask_ticks"] == 0:
        return
    qty_lots, step = params["order_qty_lots"], params["grid_step_ticks"]
    net_lots = state.positions[0]["net_lots"]
    middle_halfticks = book["mark_halfticks"] - 2 * params["skew_step_ticks"] * net_lots // qty_lots
    bid_ticks = (
        min((middle_halfticks - 2 * params["half_spread_ticks"]) // 2, book["ask_ticks"] - 1) // step * step
    )
    ask_ticks = max((middle_halfticks + 2 * params["half_spread_ticks"] + 1) // 2, book["bid_ticks"] + 1)
    ask_ticks = (ask_ticks + step - 1) // step * step
    for level in range(params["levels"]):
        buys = net_lots + (level + 1) * qty_lots <= params["max_position_lots"]
        sells = -net_lots + (level + 1) * qty_lots <= params["max_position_lots"]
        quote(state, 0, 1, level, bid_ticks - level * step, qty_lots if buys else 0)
        quote(state, 0, -1, level, ask_ticks + level * step, qty_lots if sells else 0)
