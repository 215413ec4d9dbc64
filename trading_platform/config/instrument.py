"""The traded instrument and what trading it costs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from pydantic import Field

from ..model.errors import ConfigError
from ..model.instrument import Instrument
from .fields import Currency, FeeRate, InstrumentName, Positive, Problem, Section, show


class FeesConfig(Section):
    """Fees as fractions of the traded value; a rebate is negative."""

    maker_rate: FeeRate = Field(
        description="fraction of traded value, e.g. 0.0002; negative for a rebate", examples=[0.0002]
    )
    taker_rate: FeeRate = Field(description="fraction of traded value, e.g. 0.0005", examples=[0.0005])


class InstrumentConfig(Section):
    """The grid of prices and quantities, and the currencies."""

    name: InstrumentName = Field(description="the venue's name of the instrument", examples=["BTCUSDT"])
    base_currency: Currency = Field(description="what is traded, e.g. BTC", examples=["BTC"])
    quote_currency: Currency = Field(description="what the price is in, e.g. USDT", examples=["USDT"])
    tick_size: Positive = Field(
        description="smallest price step [quote currency], on the date of the data", examples=[0.1]
    )
    lot_size: Positive = Field(
        description="smallest quantity step on that date [contracts; base currency if linear with contract_size 1]",
        examples=[0.001],
    )
    contract_size: Positive = Field(
        default=Decimal(1),
        description="base currency (linear) or quote currency (inverse) in a quantity of 1",
        examples=[1, 100],
    )
    kind: Literal["linear", "inverse"] = Field(
        description="linear: settles in quote currency; inverse: settles in base currency"
    )

    @property
    def qty_unit(self) -> str:
        """What a quantity of 1 is: a unit of base currency, or a contract. Reports of a run say the same."""
        one_for_one = self.kind == "linear" and self.contract_size == 1
        return self.base_currency if one_for_one else "contracts"

    def to_instrument(self, fees: FeesConfig) -> Instrument:
        """Return the instrument of the model layer, in exact decimals."""
        return Instrument(
            name=self.name,
            base_currency=self.base_currency,
            quote_currency=self.quote_currency,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            contract_size=self.contract_size,
            inverse=self.kind == "inverse",
            maker_fee_rate=fees.maker_rate,
            taker_fee_rate=fees.taker_rate,
        )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong although each field alone is right: the core's integers must hold it."""
        if self.base_currency == self.quote_currency:
            yield Problem("quote_currency", f"must differ from base_currency, was {self.quote_currency} too")
        try:
            self.to_instrument(FeesConfig(maker_rate=Decimal(0), taker_rate=Decimal(0))).to_record()
        except ConfigError as error:
            yield Problem("", f"does not fit the core: {error}")
        except OverflowError:
            product = show(self.tick_size * self.lot_size * self.contract_size)
            yield Problem("", f"does not fit int64: tick_size * lot_size * contract_size was {product}")
