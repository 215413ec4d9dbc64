"""``stats.npz``: what hftbacktest's Recorder would have written, from our own ledger.

``np.load(path)["0"]`` goes into ``LinearAssetRecord`` or ``InverseAssetRecord`` of ``hftbacktest.stats``,
with ``.contract_size(float(instrument.contract_size))``.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..metrics.execution import value_money
from ..model.errors import EventLogError
from ..model.instrument import Instrument
from .instrument_log import InstrumentLog
from .sampling import EquitySamples, on_grid
from .select import Ints

STATS_INTERVAL_NS: Final = 10**9
# hftbacktest.types.record_dtype, which a test compares with it: importing that loads numba and the engine
STATS: Final = np.dtype(
    [
        ("timestamp", "i8"),
        ("price", "f8"),
        ("position", "f8"),
        ("balance", "f8"),
        ("fee", "f8"),
        ("num_trades", "i8"),
        ("trading_volume", "f8"),
        ("trading_value", "f8"),
    ],
    align=True,
)


def stats_records(
    log: InstrumentLog, instrument: Instrument, interval_ns: int = STATS_INTERVAL_NS
) -> npt.NDArray[np.void]:
    """Return one record per sampling time.

    Parameters
    ----------
    log : what a log says of the instrument
    interval_ns : [ns] > 0; finer than the log's own sampling interval repeats its samples

    Notes
    -----
    ``balance`` follows from our exact equity with the formula that hftbacktest.stats inverts, so that its
    equity is ours: ``balance + position * price * contract_size - fee`` (linear),
    ``-balance - position / price * contract_size - fee`` (inverse).
    """
    samples = on_grid(log.samples, interval_ns)
    fees, counts, lots, values = _cumulated(log, samples, instrument)
    unit, contract_size = float(instrument.money_unit), float(instrument.contract_size)
    records = np.zeros(len(samples), STATS)
    tick, lot = instrument.tick_size.as_integer_ratio(), instrument.lot_size.as_integer_ratio()
    price = samples.mark_halfticks * float(tick[0]) / float(2 * tick[1])
    position = samples.net_lots * float(lot[0]) / float(lot[1])
    gross = (samples.equity_money + fees) * unit
    records["timestamp"] = samples.now_ns
    records["price"], records["position"] = price, position
    if instrument.inverse:
        records["balance"] = -gross - position / price * contract_size
    else:
        records["balance"] = gross - position * price * contract_size
    records["fee"] = fees * unit
    records["num_trades"] = counts
    records["trading_volume"] = lots * float(lot[0]) / float(lot[1])
    records["trading_value"] = values * unit
    return records


def write_stats_npz(
    path: Path, log: InstrumentLog, instrument: Instrument, interval_ns: int = STATS_INTERVAL_NS
) -> int:
    """Write the records under the key ``"0"`` into a new file and return their number.

    Raises
    ------
    EventLogError : the file exists, or the interval does not fit the log (see sampling.on_grid)
    """
    records = stats_records(log, instrument, interval_ns)
    try:
        with path.open("xb") as file:
            arrays: dict[str, Any] = {"0": records}
            np.savez_compressed(file, **arrays)
    except FileExistsError:
        raise EventLogError(f"{path}: must not exist: name another file") from None
    return len(records)


def _cumulated(
    log: InstrumentLog, samples: EquitySamples, instrument: Instrument
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return fees [money], fills, lots and value [money] so far at each sample."""
    fills = log.fills
    place = np.searchsorted(fills.seq, samples.seq)
    values = value_money(fills.qty_lots, 2 * fills.price_ticks, instrument)
    fees = _running(fills.fee_money)[place] + int(log.tally["opening_fee_money"])
    return fees, place.astype(np.int64), _running(fills.qty_lots)[place], _running(values)[place]


def _running(amounts: Ints) -> Ints:
    """Return sums of the first 0, 1, 2, ... amounts."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(amounts)])
