"""A compiled market maker that leans with the imbalance of the order book and against its inventory."""

from typing import Any, Final

import numpy as np
from pydantic import Field

from ..core.indicators.book import queue_imbalance
from ..core.intents import quote
from ..core.state import State
from ..model.enums import Wake
from .compiled import compiled_strategy
from .params import PriceDistance, Qty, StrategyParams

DEPTH_MAX: Final = 20


class ImbalanceMakerParams(StrategyParams):
    """Parameters of the imbalance maker."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    depth: int = Field(
        default=10, ge=1, le=DEPTH_MAX, description="ticks of each side whose quantities are compared"
    )
    half_spread: PriceDistance = Field(gt=0, description="distance of the quotes from the fair price")
    lean: PriceDistance = Field(
        gt=0, description="shift of the fair price when one side holds all; the imbalance is -1 to 1"
    )
    skew_step: PriceDistance = Field(ge=0, description="shift of the fair price per order_qty of position")
    max_position: Qty = Field(gt=0, description="no quote that would add to a position beyond this")


@compiled_strategy(ImbalanceMakerParams, wake=Wake.TOUCH | Wake.ORDERS, book_levels=DEPTH_MAX)
def imbalance_maker(state: State, params: Any, memory: Any) -> None:  # noqa: ARG001 (one signature for all)
    """Quote one bid and one ask around a fair price: the mid, moved to where the thinner side is, and by inventory.

    More bids than asks mean that the price is likelier to rise (Gould and Bonart, 2016), so both quotes move up.
    """
    book = state.books[0]
    if book["bid_ticks"] == 0 or book["ask_ticks"] == 0:
        return
    imbalance = queue_imbalance(state, 0, params["depth"])
    if np.isnan(imbalance):
        return
    qty_lots, net_lots = params["order_qty_lots"], state.positions[0]["net_lots"]
    lean_halfticks = int(np.floor(2 * params["lean_ticks"] * imbalance + 0.5))
    fair_halfticks = (
        book["mark_halfticks"] + lean_halfticks - 2 * params["skew_step_ticks"] * net_lots // qty_lots
    )
    away_halfticks = 2 * params["half_spread_ticks"]
    bid_ticks = min((fair_halfticks - away_halfticks) // 2, book["ask_ticks"] - 1)
    ask_ticks = max((fair_halfticks + away_halfticks + 1) // 2, book["bid_ticks"] + 1)
    buys = net_lots + qty_lots <= params["max_position_lots"]
    sells = -net_lots + qty_lots <= params["max_position_lots"]
    quote(state, 0, 1, 0, bid_ticks, qty_lots if buys else 0)
    quote(state, 0, -1, 0, ask_ticks, qty_lots if sells else 0)
