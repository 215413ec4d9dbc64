"""The configuration of one run: its sections, what must fit between them, its canonical form and hash."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, Self

from pydantic import Field, model_validator

from ..model.errors import ConfigError
from ..model.instrument import Instrument
from ..model.records import ORDER_LOTS_MAX, TICKS_MAX
from ..model.units import steps_exact
from .fields import RATE_STEP, Id, Problem, Section, raise_problems, show
from .instrument import InstrumentConfig
from .output import OutputConfig
from .risk import MaxLoss, NotionalLimits, PositionLimits, QuoteLimits, RiskConfig, VenuePolicy
from .strategy import StrategyConfig
from .venue import DepthConfig, EngineConfig

INT64_BOUND: Final = 1 << 62  # half of int64: the other half is room for realised profit and fees
SCHEMA_KEY: Final = "$schema"


class Fitted(Protocol):
    """A section that must fit the instrument."""

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit, keys relative to the section."""


FITTED: Final[Mapping[str, type[Section]]] = {  # every section with values in currency, price or quantity
    "engine": EngineConfig,
    "engine.depth": DepthConfig,
    "strategy": StrategyConfig,
    "risk.position_limits": PositionLimits,
    "risk.notional_limits": NotionalLimits,
    "risk.quote_limits": QuoteLimits,
    "risk.max_loss": MaxLoss,
    "risk.venue_policy": VenuePolicy,
}


def fit_problems(
    instrument_config: InstrumentConfig, instrument: Instrument, sections: Iterable[tuple[str, Fitted]]
) -> Iterator[Problem]:
    """Yield what does not fit between instrument and ``sections`` (path, section); keys are full paths."""
    for key, text in instrument_config.problems():
        yield Problem(f"engine.instrument.{key}".rstrip("."), text)
    for path, section in sections:
        for key, text in section.problems(instrument):
            yield Problem(f"{path}.{key}".rstrip("."), text)


class RunConfig(Section):
    """One run: what is replayed, who trades, within which limits, and where the record goes."""

    id: Id = Field(
        description="name of the configuration: letters, digits, dots, dashes, underscores",
        examples=["btcusdt-maker"],
    )
    description: str = Field(
        default="", description="free text for people", examples=["one day, one level a side"]
    )
    engine: EngineConfig = Field(description="data, instrument, fees, latency and the simulated venue")
    risk: RiskConfig = Field(description="limits, throttles and loss limits")
    strategy: StrategyConfig = Field(description="who trades")
    output: OutputConfig = Field(default=OutputConfig(), description="where the run is written")

    @model_validator(mode="before")
    @classmethod
    def _drop_schema_reference(cls, raw: Any) -> Any:
        """Drop "$schema": it is for editors, and no part of what is run."""
        if not isinstance(raw, dict) or SCHEMA_KEY not in raw:
            return raw
        if not isinstance(raw[SCHEMA_KEY], str):
            raise_problems([Problem(SCHEMA_KEY, f"must be a path or URL, was {show(raw[SCHEMA_KEY])}")])
        return {key: value for key, value in raw.items() if key != SCHEMA_KEY}

    @model_validator(mode="after")
    def _check(self) -> Self:
        sections = ((path, self._section(path)) for path in FITTED)
        fitted = ((path, section) for path, section in sections if section is not None)
        raise_problems(list(fit_problems(self.engine.instrument, self.instrument, fitted)))
        return self

    def _section(self, path: str) -> Any:
        section: Any = self
        for name in path.split("."):
            section = getattr(section, name)
        return section

    @property
    def instrument(self) -> Instrument:
        """The traded instrument with its fees, in exact decimals."""
        return self.engine.to_instrument()

    def resolved(self) -> dict[str, Any]:
        """Return the canonical form: JSON-ready, defaults written out, decimals as text, data paths absolute.

        Loading it gives an equal configuration.
        """
        return self.model_dump(mode="json")


def config_sha256(config: RunConfig) -> str:
    """Return the SHA-256 (hex) of the canonical form: 0.10 is 0.1, a left-out default is a written one."""
    text = json.dumps(config.resolved(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_bounds(config: RunConfig, price_max_ticks: int, price_min_ticks: int = 1) -> None:
    """Refuse a configuration whose integers could leave int64 in the core, where overflow is silent.

    Parameters
    ----------
    config : RunConfig
        Complete configuration.
    price_max_ticks : int
        Highest price the book can show [ticks], from the data or the bounds of the book.
    price_min_ticks : int
        Lowest one [ticks]; an inverse contract is worth the more the lower the price.

    Raises
    ------
    ConfigError : with every bound that is exceeded, and the key to lower
    """
    if not 1 <= price_min_ticks <= price_max_ticks <= TICKS_MAX:
        raise ConfigError(
            f"price range must be within 1..{TICKS_MAX} ticks, was {price_min_ticks}..{price_max_ticks}: "
            "check engine.instrument.tick_size and the prices of the data"
        )
    collar_e9 = steps_exact(config.risk.venue_policy.market_collar, RATE_STEP, "market_collar")
    collared_e9 = price_max_ticks * (10**9 + collar_e9)
    if collared_e9 >= INT64_BOUND:
        raise ConfigError(
            f"engine.instrument.tick_size must be coarser: {price_max_ticks} ticks at the highest price, "
            "with risk.venue_policy.market_collar, exceed int64"
        )
    lowest_ticks = max(1, price_min_ticks * (10**9 - collar_e9) // 10**9)
    problems = list(_position_problems(config, lowest_ticks, collared_e9 // 10**9 + 1))
    if problems:
        raise ConfigError("\n".join(problems))


def _position_problems(config: RunConfig, lowest_ticks: int, highest_ticks: int) -> Iterator[str]:
    """Yield a line per bound on lots that the position limit or the opening position exceeds.

    With limit P and position Q <= P, what is open on a side is at most P + Q: a fill turns over at most 2 P,
    and position plus both sides are at most 3 P.
    """
    instrument = config.instrument
    opening_ticks = config.engine.opening_ticks or highest_ticks
    highest, lowest = max(highest_ticks, opening_ticks), min(lowest_ticks, opening_ticks)
    most = max(0, min(_lots_bounds(instrument, lowest, highest)))
    position_key = "risk.position_limits.max_position"
    limit_lots = instrument.qty_to_lots(config.risk.position_limits.max_position, position_key)
    for key, lots in (
        (position_key, limit_lots),
        ("engine.opening_position", abs(config.engine.opening_lots)),
    ):
        if lots > most:
            yield (
                f"{key} must be <= {show(most * instrument.lot_size)} for prices of {lowest} to {highest} "
                f"ticks (int64), was {show(lots * instrument.lot_size)}: "
                "lower it, or coarsen engine.instrument.lot_size"
            )


def _lots_bounds(instrument: Instrument, lowest_ticks: int, highest_ticks: int) -> Iterator[int]:
    """Yield the most lots that each product of the core allows."""
    if instrument.inverse:
        record = instrument.to_record()
        num, den = int(record["value_num"]), int(record["value_den"])
        yield (INT64_BOUND - 1) // (2 * 2 * den * highest_ticks)  # 2 P lots * remainder, mark in half-ticks
        yield (INT64_BOUND - 1) * den * lowest_ticks // (2 * num)  # 2 P lots * value of a lot
        return
    yield ((INT64_BOUND - 1) // highest_ticks - ORDER_LOTS_MAX) // 3  # 3 P and one order more, as notional
    money = 2 * highest_ticks * int(instrument.money_per_halfticklot)
    yield (INT64_BOUND - 1) // (2 * money)  # 2 P lots as money
