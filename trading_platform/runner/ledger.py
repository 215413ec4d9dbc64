"""A second ledger, recomputed from the journal at every flush: state and log must tell the same story."""

from collections.abc import Mapping

import numpy as np

from ..metrics.execution import Int64s, value_money
from ..model.enums import EventKind
from ..model.errors import EventLogError
from ..model.instrument import Instrument
from ..model.records import POSITION, Records

_FIELDS = ("net_lots", "cash_ticklots", "cash_money", "fee_money", "buy_lots", "sell_lots", "fill_count")
_FILL_FIELDS = ("instrument", "side", "qty_lots", "price_ticks", "a")


class Ledger:
    """Positions from OPENING and FILL events alone."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self._instruments = instruments
        self._positions = np.zeros(len(instruments), POSITION)

    def add(self, block: Records) -> None:
        """Book a block of events (EVENT)."""
        kinds = np.ascontiguousarray(block["kind"])
        for event in block[np.flatnonzero(kinds == EventKind.OPENING)]:
            position = self._positions[event["instrument"]]
            position["net_lots"], position["cash_ticklots"] = event["qty_lots"], event["a"]
            position["cash_money"], position["fee_money"] = event["b"], event["c"]
        rows = np.flatnonzero(kinds == EventKind.FILL)
        # not whole records: those would be copied field by field
        fills = {name: block[name][rows] for name in _FILL_FIELDS}
        for index, instrument in enumerate(self._instruments):
            own = fills["instrument"] == index
            self._book(self._positions[index], instrument, {name: fills[name][own] for name in _FILL_FIELDS})

    def compare(self, positions: Records) -> None:
        """Raise EventLogError naming the first field in which ``positions`` (POSITION) differ from the journal."""
        for index, instrument in enumerate(self._instruments):
            for name in _FIELDS:
                journal, state = int(self._positions[index][name]), int(positions[index][name])
                if journal != state:
                    raise EventLogError(
                        f"{instrument.name}: {name} must be {journal} by the journal, was {state} in the state: "
                        "something wrote into the core's arrays (a strategy? "
                        "`trading-platform strategy check` names the line) or the core is wrong"
                    )

    @staticmethod
    def _book(position: np.void, instrument: Instrument, fills: Mapping[str, Int64s]) -> None:
        side, lots = fills["side"].astype(np.int64), fills["qty_lots"]
        position["net_lots"] += int((side * lots).sum())
        if instrument.inverse:
            position["cash_money"] += int(
                (side * value_money(lots, 2 * fills["price_ticks"], instrument)).sum()
            )
        else:
            position["cash_ticklots"] -= int((side * lots * fills["price_ticks"]).sum())
        position["fee_money"] += int(fills["a"].sum())
        position["buy_lots"] += int(lots[side > 0].sum())
        position["sell_lots"] += int(lots[side < 0].sum())
        position["fill_count"] += len(lots)
