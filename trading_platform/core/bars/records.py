"""Records of bars: a closed or growing bar, and the builder that decides when it closes."""

from typing import Final

import numpy as np

from ...model.records import RecordDtype, int64_record

RULE_WORDS: Final = 8  # int64 numbers that a custom rule keeps, and that it is given
SUM_MAX: Final = 1 << 61  # a bar whose sums get there closes (BarClose.BOUND): int64 would wrap around
BAR: Final = int64_record(
    "kind",  # BarKind
    "reason",  # BarClose: why it closed; 0 while it grows
    "number",  # of the bar in its series, from 0
    "start_ns",  # our clock: of its first trade, or the boundary before it (TIME)
    "end_ns",  # of its last trade, or the boundary that closes it (TIME)
    "open_ticks",
    "high_ticks",
    "low_ticks",
    "close_ticks",
    "volume_lots",
    "buy_lots",  # of takers who bought
    "sell_lots",
    "notional_ticklots",  # sum of price * quantity: by volume_lots it is the VWAP
    "trades",  # at least 1 in a closed bar
    "buy_trades",
    "open_mid_halfticks",  # bid + ask in force at its first trade; 0 while a side was empty
    "close_mid_halfticks",  # the same at its last trade
    "spread_sum_ticks",  # ask - bid in force, added up over the trades that had both: see `mean_spread_ticks`
    "quoted_trades",  # how many had
    "first_trade",  # lineage: number of the trade in the stream, from 0
    "last_trade",
    "bricks",  # RENKO: how many it completed, negative downwards
    "level_ticks",  # RENKO: the edge of the last brick
)
BUILDER: Final[RecordDtype] = np.dtype(
    [
        ("kind", "i8"),  # BarKind
        (
            "size",
            "i8",
        ),  # ns, trades, lots, tick-lots or ticks, by kind; expected trades of the first adaptive bars
        ("inverse", "i8"),  # 1: a contract is worth a fixed amount, so notional is counted in lots
        ("trades_min", "i8"),  # adaptive kinds: no bar is shorter (but BarClose.BOUND)
        ("trades_max", "i8"),  # and none longer
        ("warmup_bars", "i8"),  # so many first bars close after `size` trades: expectations come from them
        ("alpha", "f8"),  # weight of the newest bar in the expectations
        ("params", "i8", (RULE_WORDS,)),  # what a custom rule is given
        ("memory", "i8", (RULE_WORDS,)),  # what a custom rule keeps; starts as zeros
        ("bid_ticks", "i8"),  # touch in force; 0 an empty side
        ("ask_ticks", "i8"),
        ("trade_count", "i8"),  # trades taken so far, in this bar and all before
        ("bar_count", "i8"),  # closed so far
        ("bought", "i8"),  # adaptive kinds: what buyers took in this bar, in the measure of the kind
        ("sold", "i8"),
        ("threshold", "i8"),  # what closes this bar, formed before its first trade
        ("expected_trades", "f8"),
        ("expected_signed", "f8"),  # imbalance bars: bought - sold a trade
        ("buy_share", "f8"),  # run bars: of trades
        ("expected_buy", "f8"),  # run bars: of one buy, in the measure
        ("expected_sell", "f8"),
        (
            "level_ticks",
            "i8",
        ),  # RENKO: edge of the last brick; at first the multiple at or below the first price
        ("direction", "i8"),  # RENKO: +1, -1 of the last brick, 0 none yet
        # where the series lies in a running session: see core/bars/live.py
        ("instrument", "i8"),
        ("place", "i8"),  # of the growing bar in state.bars; the last closed ones follow, as a ring
        ("capacity", "i8"),  # closed bars that are kept
        ("rule", "i8"),  # address of a custom rule, 0 none
    ]
)
