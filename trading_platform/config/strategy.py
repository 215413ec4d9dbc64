"""Which strategy runs, with which parameters."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ..core.bars.spec import CAPACITY_MAX, BarGrid, BarSpec
from ..model.errors import ConfigError
from ..model.instrument import Instrument
from .fields import ClassPath, Positive, Problem, Section, decimal_text, raise_problems


def _plain(value: Any, key: str, problems: list[Problem]) -> Any:
    """Return a JSON value with its decimals as text: exact, and the same before and after a round trip."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            problems.append(Problem(key, f"must be a finite number, was {value}"))
            return None
        if value and abs(value.adjusted()) > 40:
            problems.append(Problem(key, f"must have at most 40 digits, was {value}"))
            return None
        return decimal_text(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {
            name: _plain(item, f"{key}.{name}" if key else str(name), problems)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{key}[{index}]", problems) for index, item in enumerate(value)]
    problems.append(Problem(key, f"must be a JSON value with exact decimals, was {value!r}"))
    return None


def _plain_params(params: dict[str, Any]) -> dict[str, Any]:
    problems: list[Problem] = []
    plain = {name: _plain(value, name, problems) for name, value in params.items()}
    raise_problems(problems)
    return plain


AdaptiveTrades = Annotated[int, Field(ge=1, le=1 << 40)]


class BarsConfig(Section):
    """One series of bars, in place of what the strategy declares. Custom bars are declared by the strategy alone."""

    kind: Literal[
        "time",
        "tick",
        "volume",
        "notional",
        "range",
        "renko",
        "tick-imbalance",
        "volume-imbalance",
        "notional-imbalance",
        "tick-run",
        "volume-run",
        "notional-run",
    ] = Field(description="what makes a bar complete", examples=["volume"])
    size: Positive = Field(
        description="seconds (time), trades (tick), quantity (volume), quote currency (notional), price (range, "
        "renko), expected trades of the first bars (imbalance, run)",
        examples=[10],
    )
    trades_min: AdaptiveTrades | None = Field(
        default=None, description="shortest imbalance or run bar; null a quarter of the size", examples=[10]
    )
    trades_max: AdaptiveTrades | None = Field(
        default=None, description="longest imbalance or run bar; null four times the size", examples=[1000]
    )
    warmup_bars: AdaptiveTrades | None = Field(
        default=None, description="first imbalance or run bars, of size trades; null 1", examples=[3]
    )
    span_bars: AdaptiveTrades | None = Field(
        default=None,
        description="expectations of imbalance and run bars weigh the newest with 2 / (span_bars + 1); null 20",
        examples=[50],
    )
    capacity: int = Field(
        default=64,
        ge=1,
        le=CAPACITY_MAX,
        description="closed bars the strategy can look back at",
        examples=[200],
    )

    def to_spec(self) -> BarSpec:
        """Return the series as the core knows it."""
        return BarSpec(
            kind=self.kind,
            size=self.size,
            trades_min=self.trades_min,
            trades_max=self.trades_max,
            warmup_bars=self.warmup_bars,
            span_bars=self.span_bars,
            capacity=self.capacity,
        )


class StrategyConfig(Section):
    """A strategy class and the values its own parameter model validates."""

    class_path: ClassPath = Field(
        description="module:Name of the strategy class or compiled strategy",
        examples=["trading_platform.strategies.touch_maker:touch_maker"],
    )
    params: Annotated[dict[str, Any], AfterValidator(_plain_params)] = Field(
        default_factory=dict,
        description="the strategy's parameters, validated by its own model; decimals are kept as text",
        examples=[{"order_qty": "0.01", "levels": 2}],
    )
    bars: list[BarsConfig] | None = Field(
        default=None,
        description="series of bars in place of those that the strategy declares, as many; null what it declares",
        examples=[[{"kind": "volume", "size": 10}]],
    )

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield sizes of bars off the instrument's grid, and bounds that exclude each other."""
        for index, bars in enumerate(self.bars or ()):
            try:
                bars.to_spec().to_record(BarGrid.of(instrument), f"bars[{index}]")
            except ConfigError as error:
                key, _, text = str(error).partition(" ")
                yield Problem(key, text)
