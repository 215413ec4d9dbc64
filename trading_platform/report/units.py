"""Counts of the core as people say them: prices, quantities, amounts and times with their units."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from ..eventlog.schema import EventArray
from ..model.instrument import Instrument
from ..model.units import NANO
from .select import decimal_text

_SIDES: Final = 2  # slots of an instrument: (level 0, buy), (level 0, sell), (level 1, buy), ...


@dataclass(frozen=True)
class Units:
    """Says counts of one instrument."""

    instrument: Instrument

    @property
    def qty_unit(self) -> str:
        """What a quantity counts: base currency, or contracts."""
        one_for_one = not self.instrument.inverse and self.instrument.contract_size == 1
        return self.instrument.base_currency if one_for_one else "contracts"

    def price(self, ticks: int) -> str:
        """Return a price exactly, with the decimals of the tick."""
        return f"{Decimal(ticks) * self.instrument.tick_size:f}"

    def qty(self, lots: int) -> str:
        """Return a quantity exactly, with the decimals of the lot and without a unit."""
        return f"{Decimal(lots) * self.instrument.lot_size:f}"

    def notional(self, count: int) -> str:
        """Return notional units (see Instrument.notional_unit) in quote currency."""
        return f"{decimal_text(count, self.instrument.notional_unit)} {self.instrument.quote_currency}"

    def money(self, count: int) -> str:
        """Return money of the core in settlement currency."""
        return f"{decimal_text(count, self.instrument.money_unit)} {self.instrument.settlement_currency}"


def slot_name(slot: int) -> str:
    """Return a slot (index within its instrument) as side and level: 0 is buy0, 1 sell0, 2 buy1."""
    return f"{'sell' if slot % _SIDES else 'buy'}{slot // _SIDES}"


def slot_index(side: str, level: int) -> int:
    """Return the slot (index within its instrument) of a side ("buy" or "sell") and a level."""
    return level * _SIDES + (side == "sell")


def start_ns(events: EventArray) -> int:
    """Return when a log's clock starts [ns]: its first event with a time, 0 if none has. OPENING has none."""
    timed = np.flatnonzero(events["now_ns"][:1024] > 0)
    if not len(timed):
        timed = np.flatnonzero(events["now_ns"] > 0)
    return int(events["now_ns"][timed[0]]) if len(timed) else 0


def span_text(ns: int) -> str:
    """Return a length of time in the unit that fits: 20.0 ms, 1.240 s, 2 min 3.0 s, 1 h 2 min."""
    if ns < 0:
        return f"-{span_text(-ns)}"
    if ns < 1_000_000:
        return f"{ns / 1e3:g} us" if ns else "0 s"
    if ns < NANO:
        return f"{ns / 1e6:.1f} ms"
    seconds, rest = divmod(ns, NANO)
    if seconds < 60:
        return f"{ns / 1e9:.3f} s"
    if seconds < 3600:
        return f"{seconds // 60} min {(seconds % 60) + rest / 1e9:.1f} s"
    return f"{seconds // 3600} h {seconds // 60 % 60} min"


def clock_text(ns: int, digits: int = 3) -> str:
    """Return a time since the start as 0:01.271 or 1:02:03.456, cut off after ``digits``."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    seconds, rest = divmod(ns, NANO)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    front = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{sign}{front}:{seconds % 60:02}.{rest // 10 ** (9 - digits):0{digits}}"


def time_text(ns: int | None, begin_ns: int, absolute: bool, digits: int = 3) -> str:
    """Return a time [ns] as tables show it: since ``begin_ns`` [ns], or UTC to the microsecond if ``absolute``."""
    if ns is None:
        return ""
    if absolute:
        return str(np.datetime64(ns // 1000, "us"))
    return clock_text(ns - begin_ns, digits)
