"""Parameters of a strategy: human units in the config, integers in the strategy.

A field's unit is part of its type; the record that the strategy reads has one int64 per field, named with the unit:
``order_qty: Qty`` becomes ``order_qty_lots``, ``spread: PriceDistance`` becomes ``spread_ticks``, ``pause: Seconds``
becomes ``pause_ns``; integers and booleans keep their name.
"""

from decimal import Decimal
from typing import Annotated, Any, Final

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict

from ..model.errors import ConfigError
from ..model.instrument import Instrument
from ..model.records import RecordDtype
from ..model.units import seconds_to_ns


def _decimal(value: object) -> object:
    """Accept what JSON writes for a number: Decimal, int, or a decimal string. Never a float: it is not exact."""
    if isinstance(value, bool | float):
        raise ValueError(f"must be a decimal number or string, was {value!r}")  # noqa: TRY004 (what pydantic expects)
    if isinstance(value, int | str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            raise ValueError(f"must be a decimal number, was {value!r}") from None
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"must be finite, was {value}")
    return value


_NUMBER_MAX: Final = 2**63 - 1
_LOTS: Final = "lots"
_TICKS: Final = "ticks"
_NS: Final = "ns"
Qty = Annotated[Decimal, BeforeValidator(_decimal), _LOTS]
PriceDistance = Annotated[Decimal, BeforeValidator(_decimal), _TICKS]
Seconds = Annotated[Decimal, BeforeValidator(_decimal), _NS]


class StrategyParams(BaseModel):
    """Base of all params models: frozen, closed, typed. A parameter that is not used has no place here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def units(cls) -> dict[str, str]:
        """Return the unit of each field: lots, ticks, ns, or "" for plain integers and booleans."""
        found = {}
        for name, info in cls.model_fields.items():
            unit = next((mark for mark in info.metadata if mark in (_LOTS, _TICKS, _NS)), "")
            if not unit and info.annotation not in (int, bool):
                raise ConfigError(
                    f"{cls.__name__}.{name} must be Qty, PriceDistance, Seconds, int or bool, was {info.annotation}"
                )
            found[name] = unit
        return found

    @classmethod
    def record_dtype(cls) -> RecordDtype:
        """Return the dtype of the record a strategy reads: one int64 per field, the unit at the end of its name."""
        fields = [(f"{name}_{unit}" if unit else name, "i8") for name, unit in cls.units().items()]
        return np.dtype(fields or [("_", "i8")])

    def to_record(self, instrument: Instrument) -> np.void:
        """Return the parameters in an instrument's integers. Off the grid is a ConfigError that names the field."""
        record: np.void = np.zeros(1, self.record_dtype())[0]
        for name, unit in self.units().items():
            value: Any = getattr(self, name)
            label = f"strategy.params.{name}"
            if unit == _LOTS:
                number = instrument.qty_to_lots(value, label)
            elif unit == _TICKS:
                number = instrument.price_to_ticks(value, label)
            elif unit == _NS:
                number = seconds_to_ns(value, label)
            else:
                number = int(value)
            if abs(number) > _NUMBER_MAX:
                raise ConfigError(f"{label} must be at most {_NUMBER_MAX:,} {unit or 'in size'}, was {value}")
            record[f"{name}_{unit}" if unit else name] = number
        return record
