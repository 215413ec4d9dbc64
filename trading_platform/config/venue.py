"""The engine section: data, instrument, fees, latency and the simulated venue."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ..model.ids import SESSION_EPOCH_MAX
from ..model.instrument import Instrument
from ..model.records import ORDER_LOTS_MAX, TICKS_MAX
from ..model.units import seconds_to_ns
from .data_range import DataRange
from .fields import (
    DataPath,
    Number,
    Positive,
    Problem,
    Seconds,
    SecondsOrOff,
    Section,
    grid_problems,
    only_with,
    raise_problems,
    show,
)
from .instrument import FeesConfig, InstrumentConfig

ROI_TICKS_MAX: Final = 1 << 26  # 1 GiB of book: the engine allocates 16 bytes a tick
POWER_QUEUES: Final = ("power_prob", "power_prob2", "power_prob3")


class LatencyConfig(Section):
    """How long an order takes to the venue, and its report back."""

    kind: Literal["constant", "interpolated"] = Field(
        description="constant: the same for every order; interpolated: from a file, by the time of the order"
    )
    entry_seconds: Seconds | None = Field(
        default=None,
        description="from us to the venue [s], at most 3600, whole nanoseconds; kind constant only",
        examples=[0.01],
    )
    response_seconds: Seconds | None = Field(
        default=None,
        description="from the venue back to us [s], at most 3600; kind constant only",
        examples=[0.01],
    )
    file: DataPath | None = Field(
        default=None,
        description="order latencies in hftbacktest's format, made by `data latency`; kind interpolated only",
        examples=["latency/btcusdt_20240808.npz"],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        constant = self.kind == "constant"
        problems = only_with(self, ("entry_seconds", "response_seconds"), constant, "kind constant")
        raise_problems([*problems, *only_with(self, ("file",), not constant, "kind interpolated")])
        return self

    @property
    def constant_ns(self) -> tuple[int, int] | None:
        """Constant latencies of entry and response [ns], None for those of a file."""
        if self.entry_seconds is None or self.response_seconds is None:
            return None
        return (
            seconds_to_ns(self.entry_seconds, "entry_seconds"),
            seconds_to_ns(self.response_seconds, "response_seconds"),
        )


class QueueModelConfig(Section):
    """How the queue ahead of a resting order shrinks when the level shrinks."""

    kind: Literal["risk_averse", "log_prob", "log_prob2", "power_prob", "power_prob2", "power_prob3"] = Field(
        description="hftbacktest's queue model; risk_averse: only trades move the queue"
    )
    exponent: Positive | None = Field(
        default=None,
        description="exponent of the power_prob kinds only, at most 100; 2 if left out",
        examples=[3],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind not in POWER_QUEUES:
            raise_problems(only_with(self, ("exponent",), False, f"kind is {', '.join(POWER_QUEUES)}"))
        elif self.exponent is not None and self.exponent > 100:
            raise_problems([Problem("exponent", f"must be <= 100, was {self.exponent}")])
        return self

    @property
    def power(self) -> Decimal:
        """Exponent of the power_prob kinds.

        Raises
        ------
        AssertionError : the kind has no exponent
        """
        assert self.kind in POWER_QUEUES
        return Decimal(2) if self.exponent is None else self.exponent


class DepthConfig(Section):
    """How the engine stores the book."""

    kind: Literal["auto", "hashmap", "roi"] = Field(
        description="roi: an array over a price range, faster; auto: roi with the range taken from the data"
    )
    roi_min: Positive | None = Field(
        default=None, description="lowest price of the book, kind roi only", examples=[50000]
    )
    roi_max: Positive | None = Field(
        default=None, description="highest price of the book, kind roi only", examples=[70000]
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = only_with(self, ("roi_min", "roi_max"), self.kind == "roi", "kind roi")
        if self.roi_min is not None and self.roi_max is not None and self.roi_max <= self.roi_min:
            problems.append(Problem("roi_max", f"must be > roi_min ({self.roi_min}), was {self.roi_max}"))
        raise_problems(problems)
        return self

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument: bounds off the tick grid, a range that is too large."""
        found = [
            *grid_problems(instrument.price_to_ticks, self.roi_min, "roi_min", TICKS_MAX, "ticks"),
            *grid_problems(instrument.price_to_ticks, self.roi_max, "roi_max", TICKS_MAX, "ticks"),
        ]
        yield from found
        if found or self.roi_min is None or self.roi_max is None:
            return
        ticks = instrument.price_to_ticks(self.roi_max) - instrument.price_to_ticks(self.roi_min)
        if ticks >= ROI_TICKS_MAX:
            highest = self.roi_min + (ROI_TICKS_MAX - 1) * instrument.tick_size
            yield Problem(
                "roi_max",
                f"must be <= {highest} ({ROI_TICKS_MAX} ticks from roi_min), was {self.roi_max}: "
                "narrow the range, or use kind hashmap",
            )


class EngineConfig(Section):
    """What is replayed, and how the simulated venue behaves."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["data_files"]}, {"required": ["data"]}]}
    )

    data_files: Annotated[tuple[DataPath, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None,
        description="market data in the order of time: .npy or .npz; relative to the config file; or see data",
        examples=[["data/btcusdt_20240808.npy"]],
    )
    data: DataRange | None = Field(
        default=None,
        description="market data of the catalogue, by venue, instrument and time; or see data_files",
    )
    initial_snapshot: DataPath | None = Field(
        default=None,
        description="book before the first row, .npy or .npz; relative to the config file",
        examples=["data/btcusdt_20240807_end.npz"],
    )
    instrument: InstrumentConfig = Field(description="the traded instrument")
    fees: FeesConfig = Field(description="maker and taker fees")
    latency: LatencyConfig = Field(description="order latency, tagged by kind")
    queue_model: QueueModelConfig = Field(description="queue position of resting orders")
    exchange_model: Literal["no_partial_fill", "partial_fill"] = Field(
        description="whether the venue fills orders in parts"
    )
    depth: DepthConfig = Field(default=DepthConfig(kind="auto"), description="how the book is stored")
    replace_policy: Literal["after_ack", "at_once"] = Field(
        default="after_ack",
        description="after_ack: the new order leaves when the cancel is acknowledged; at_once: both can fill",
    )
    taker_sweeps: Literal["estimate", "best_level", "deny"] = Field(
        default="estimate",
        description="a taker larger than the best level: send it (under partial_fill the prices of its fills are "
        "estimated), cut it to the best level, or deny it",
    )
    ack_timeout_seconds: SecondsOrOff = Field(
        default=Decimal(0),
        description="ask the venue about an order without report after this time [s], longer than entry and response "
        "latency together; 0 off",
        examples=[1],
    )
    on_anomaly: Literal["fail", "halt"] = Field(
        default="fail",
        description="a report that the order tables call impossible halts the instrument; fail: the run fails too",
    )
    book_levels: int = Field(
        default=0,
        ge=0,
        le=200,
        description="levels per side that the strategy sees; 0 the touch",
        examples=[5],
    )
    trades_capacity: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="market trades per block that the strategy sees; 0 none",
        examples=[100],
    )
    session_epoch: int = Field(
        default=0,
        ge=0,
        le=SESSION_EPOCH_MAX,
        description="upper bits of order ids: one number a session",
        examples=[1],
    )
    max_wakeups: int | None = Field(
        default=None, ge=1, description="stop after this many strategy calls", examples=[10000]
    )
    opening_position: Number = Field(
        default=Decimal(0),
        description="position at the start [base currency, or contracts]; negative is short",
        examples=[-0.5],
    )
    opening_price: Positive | None = Field(
        default=None, description="price of the opening position; required with one", examples=[60000]
    )

    @field_validator("data", mode="after")
    @classmethod
    def _named_once(cls, data: DataRange | None, info: ValidationInfo) -> DataRange | None:
        """Refuse no data and two ways to name it; as a field, so that it is told beside all other errors."""
        if "data_files" not in info.data:
            return data  # its own error is in the list
        files = info.data["data_files"]
        if files is None and data is None:
            text = "is required, or engine.data_files: name the data by venue, instrument, start and end, or by files"
            raise_problems([Problem("", text)])
        if files is not None and data is not None:
            text = "must be left out where engine.data_files names the data: one of the two (null takes one back)"
            raise_problems([Problem("", text)])
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = only_with(
            self, ("opening_price",), self.opening_position != 0, "an opening_position other than 0"
        )
        problems += self._data_problems()
        problems += self._timeout_problems()
        raise_problems(problems)
        return self

    def _data_problems(self) -> Iterator[Problem]:
        """Yield files that are named twice, and a snapshot beside data that brings its own."""
        files, snapshot = self.data_files or (), self.initial_snapshot
        for index, path in enumerate(files):
            if path in files[:index]:
                yield Problem(f"data_files[{index}]", f'must not be listed twice, was "{path}"')
        if snapshot is not None and self.data is not None:
            text = f'must be left out with data, which brings the book at its start, was "{snapshot}"'
            yield Problem("initial_snapshot", text)
        if snapshot in files:
            text = f'must not be one of data_files, was "{snapshot}": leave it out, or name a snapshot'
            yield Problem("initial_snapshot", text)

    def _timeout_problems(self) -> Iterator[Problem]:
        """Yield a timeout within which no report can be back: every request would be asked about, for nothing."""
        if self.latency.entry_seconds is None or self.latency.response_seconds is None:
            return  # those of a file are known when it is loaded
        round_trip = self.latency.entry_seconds + self.latency.response_seconds
        if 0 < self.ack_timeout_seconds <= round_trip:
            yield Problem(
                "ack_timeout_seconds",
                f"must be > latency.entry_seconds + latency.response_seconds ({show(round_trip)}), "
                f"was {show(self.ack_timeout_seconds)}: raise it, or use 0 (off)",
            )

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield opening values off the instrument's grid."""
        yield from grid_problems(
            instrument.qty_to_lots, self.opening_position, "opening_position", ORDER_LOTS_MAX, "lots"
        )
        yield from grid_problems(
            instrument.price_to_ticks, self.opening_price, "opening_price", TICKS_MAX, "ticks"
        )

    def to_instrument(self) -> Instrument:
        """Return the instrument with its fees, in exact decimals."""
        return self.instrument.to_instrument(self.fees)

    def data_names(self) -> list[str]:
        """Return what names the data, for messages: the files, or venue, instrument and range."""
        if self.data is None:
            return [str(path) for path in self.data_files or ()]
        return [f"{self.data.venue}/{self.data.instrument} {self.data.start} to {self.data.end}"]

    @property
    def ack_timeout_ns(self) -> int:
        """Time without a report after which the venue is asked [ns], 0 off."""
        return seconds_to_ns(self.ack_timeout_seconds, "ack_timeout_seconds")

    @property
    def opening_lots(self) -> int:
        """Position at the start [lots], signed."""
        return self.to_instrument().qty_to_lots(self.opening_position, "engine.opening_position")

    @property
    def opening_ticks(self) -> int:
        """Price of the opening position [ticks], 0 without one."""
        if self.opening_price is None:
            return 0
        return self.to_instrument().price_to_ticks(self.opening_price, "engine.opening_price")
