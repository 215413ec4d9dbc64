"""Build an engine from exact facts. Everything it would accept silently, or die of, is refused here first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np

from ..._hftbacktest import EXTENSION, ORDER, TYPES
from ...model.enums import TimeInForce
from ...model.errors import EngineError
from ...model.instrument import Instrument
from ...model.records import Records
from .adapter import VENUE

QUEUE_MODELS: Final = ("risk_averse", "log_prob", "log_prob2", "power_prob", "power_prob2", "power_prob3")
_TIF: Final = {
    "GTC": TimeInForce.GTC,
    "GTX": TimeInForce.POST_ONLY,
    "FOK": TimeInForce.FOK,
    "IOC": TimeInForce.IOC,
}
for _name, _tif in _TIF.items():
    if getattr(ORDER, _name) != _tif:
        raise EngineError(f"hftbacktest's {_name} must be {int(_tif)}, was {getattr(ORDER, _name)}")


@dataclass(frozen=True)
class AssetSpec:
    """One instrument on the engine.

    Attributes
    ----------
    data : validated event arrays (hftbacktest event_dtype, C-contiguous), in the order of time; referenced, not copied
    snapshot : book before the first row, or None
    entry_ns, response_ns : constant order latencies [ns] > 0; with ``latencies`` those at the end of the data: the
        adapter takes the response latency for the clock of reports that come after the last row
    latencies : rows of order latencies to interpolate (data.latency.LATENCY, checked), or None for the constant ones
    queue_exponent : of the power_prob models, None for the others
    roi_ticks : inclusive range of the ROI depth, or None for the hash map
    """

    instrument: Instrument
    data: Sequence[Records]
    snapshot: Records | None
    entry_ns: int
    response_ns: int
    queue_model: str
    queue_exponent: Decimal | None
    partial_fill: bool
    roi_ticks: tuple[int, int] | None
    trades_capacity: int = 0
    latencies: Records | None = None


@dataclass
class Engine:
    """A built engine: the adapter's records, and references that must outlive it."""

    venue: Records
    keep: list[Any] = field(default_factory=list)


def build_engine(specs: Sequence[AssetSpec]) -> Engine:
    """Build one engine for all instruments (same depth kind for all).

    Raises
    ------
    EngineError : arrays of the wrong form, latencies that are not positive, mixed depth kinds
    """
    kinds = {spec.roi_ticks is not None for spec in specs}
    if len(kinds) != 1:
        raise EngineError("all instruments of one engine must use the same depth kind: hashmap or roi")
    roi = kinds.pop()
    assets = [_asset(spec) for spec in specs]
    build = EXTENSION.build_roivec_backtest if roi else EXTENSION.build_hashmap_backtest
    venue = np.zeros(len(specs), VENUE)
    venue["backtest"] = build(assets)
    venue["roi"] = roi
    for record, spec in zip(venue, specs, strict=True):
        record["partial_fill"] = spec.partial_fill
        record["response_ns"] = spec.response_ns
        record["tick_size"] = float(spec.instrument.tick_size)
        record["lot_size"] = float(spec.instrument.lot_size)
        record["lots_per_unit"] = float(1 / spec.instrument.lot_size)
    kept = (array for spec in specs for array in (*spec.data, spec.snapshot, spec.latencies))
    return Engine(venue, [*assets, *kept])


def _asset(spec: AssetSpec) -> Any:
    for array in (*spec.data, *(() if spec.snapshot is None else (spec.snapshot,))):
        if array.dtype != TYPES.event_dtype or not array.flags.c_contiguous or len(array) == 0:
            raise EngineError(
                f"data of {spec.instrument.name} must be a non-empty C-contiguous array of event_dtype, "
                f"was {array.dtype} with {len(array)} rows"
            )
    if spec.entry_ns <= 0 or spec.response_ns <= 0:
        raise EngineError(f"order latencies must be > 0 ns, were {spec.entry_ns} and {spec.response_ns}")
    instrument = spec.instrument
    asset = EXTENSION.BacktestAsset()
    for array in spec.data:
        asset._add_data_ndarray(array.ctypes.data, len(array))
    if spec.snapshot is not None:
        asset._initial_snapshot_ndarray(spec.snapshot.ctypes.data, len(spec.snapshot))
    size = float(instrument.contract_size)
    asset = asset.inverse_asset(size) if instrument.inverse else asset.linear_asset(size)
    if spec.latencies is None:
        asset = asset.constant_order_latency(spec.entry_ns, spec.response_ns)
    else:
        asset._intp_order_latency_ndarray(spec.latencies.ctypes.data, len(spec.latencies), 0)
    asset = _queue(asset, spec)
    asset = asset.partial_fill_exchange() if spec.partial_fill else asset.no_partial_fill_exchange()
    asset = asset.trading_value_fee_model(float(instrument.maker_fee_rate), float(instrument.taker_fee_rate))
    asset = asset.tick_size(float(instrument.tick_size)).lot_size(float(instrument.lot_size))
    asset = asset.last_trades_capacity(spec.trades_capacity)
    if spec.roi_ticks is not None:
        low, high = spec.roi_ticks
        asset = asset.roi_lb(low * float(instrument.tick_size)).roi_ub(high * float(instrument.tick_size))
    return asset


def _queue(asset: Any, spec: AssetSpec) -> Any:
    exponent = None if spec.queue_exponent is None else float(spec.queue_exponent)
    match spec.queue_model:
        case "risk_averse":
            return asset.risk_adverse_queue_model()
        case "log_prob":
            return asset.log_prob_queue_model()
        case "log_prob2":
            return asset.log_prob_queue_model2()
        case "power_prob":
            return asset.power_prob_queue_model(exponent)
        case "power_prob2":
            return asset.power_prob_queue_model2(exponent)
        case "power_prob3":
            return asset.power_prob_queue_model3(exponent)
    raise EngineError(f"queue_model must be one of {', '.join(QUEUE_MODELS)}, was {spec.queue_model}")
