"""stats.npz is read by hftbacktest.stats and gives our equity back."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.eventlog.builders import INVERSE, LINEAR, SECOND_NS, START_NS, Life, every_kind, long_life
from trading_platform.model.enums import EventKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.instrument import Instrument
from trading_platform.report.instrument_log import instrument_log
from trading_platform.report.sampling import on_grid
from trading_platform.report.stats import STATS, stats_records, write_stats_npz


def test_layout_is_that_of_hftbacktest() -> None:
    from hftbacktest.types import record_dtype

    assert record_dtype == STATS


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_hftbacktest_reads_our_final_equity_and_fills(tmp_path: Path, instrument: Instrument) -> None:
    from hftbacktest.stats import InverseAssetRecord, LinearAssetRecord

    life = long_life(400, instrument)
    events = life.events()
    write_stats_npz(tmp_path / "stats.npz", instrument_log(events), instrument, SECOND_NS)
    record = (InverseAssetRecord if instrument.inverse else LinearAssetRecord)(
        np.load(tmp_path / "stats.npz")["0"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = record.contract_size(float(instrument.contract_size)).resample("1s").stats()
    entire = stats.entire
    ours = events[events["kind"] == EventKind.PNL]["a"] * float(instrument.money_unit)
    theirs = (entire["equity_wo_fee"] - entire["fee"]).to_numpy()
    assert theirs[-1] == pytest.approx(ours[-1], abs=1e-9)
    assert theirs == pytest.approx(ours, abs=1e-9)
    fills = events[events["kind"] == EventKind.FILL]
    assert entire["num_trades_"].sum() == len(fills)
    assert entire["trading_volume_"].sum() == pytest.approx(
        int(fills["qty_lots"].sum()) * float(instrument.lot_size)
    )
    values = sum(life.value_money(int(f["qty_lots"]), 2 * int(f["price_ticks"])) for f in fills)
    assert entire["trading_value_"].sum() == pytest.approx(values * float(instrument.money_unit))
    assert stats.summary()["Return"][0] == pytest.approx(ours[-1] - ours[0], abs=1e-9)


def test_fees_and_position_are_those_known_at_each_sample() -> None:
    life = Life()
    life.opening()
    life.pnl(1_234_000)
    order = life.order(1, 617_000, 4)
    life.fill(order, 1)
    life.wait(1)
    life.pnl(1_234_000)
    first_fee = life.fee_money
    life.fill(order, 3)  # after the sample, at the same time
    life.wait(1)
    life.pnl(1_234_002)
    records = stats_records(instrument_log(life.events()), LINEAR, SECOND_NS)
    assert records["fee"].tolist() == pytest.approx([0, first_fee / 1e9, life.fee_money / 1e9])
    assert records["position"].tolist() == pytest.approx([0, 0.001, 0.004])
    assert records["num_trades"].tolist() == [0, 1, 2]
    assert records["balance"].tolist() == pytest.approx([0, -61.7, -246.8])
    assert records["price"].tolist() == pytest.approx([61_700.0, 61_700.0, 61_700.1])


def test_fees_carried_over_count_too() -> None:
    life = Life()
    life.fee_money = 5_000_000_000
    life.opening()
    life.pnl(1_234_000)
    records = stats_records(instrument_log(life.events()), LINEAR, SECOND_NS)
    assert records["fee"][0] == pytest.approx(5.0)
    assert records["balance"][0] - records["fee"][0] == pytest.approx(-5.0)


def test_a_grid_point_shows_the_last_sample_known_then_and_the_end_is_shown() -> None:
    life = Life(start_ns=START_NS + 300)
    for seconds, mark in ((0.2, 10), (0.9, 20), (3.1, 30), (0.05, 40)):
        life.pnl(mark)
        life.wait(seconds)
    samples = on_grid(instrument_log(life.events()).samples, SECOND_NS)
    assert ((samples.now_ns - START_NS) // SECOND_NS).tolist() == [1, 2, 3, 4, 5]
    assert samples.mark_halfticks.tolist() == [20, 30, 30, 30, 40]


def test_samples_before_the_first_mark_are_left_out() -> None:
    life = Life(start_ns=0)  # the clock has not started
    life.pnl(0)
    life.now_ns = START_NS
    life.pnl(1_234_000)
    assert len(stats_records(instrument_log(life.events()), LINEAR, SECOND_NS)) == 1


def test_a_log_without_samples_gives_an_empty_array() -> None:
    life = Life()
    life.opening()
    assert len(stats_records(instrument_log(life.events()), LINEAR, SECOND_NS)) == 0


def test_bad_intervals_and_existing_files_are_refused(tmp_path: Path) -> None:
    events = every_kind().events()
    with pytest.raises(EventLogError, match="must be > 0 ns, was 0"):
        stats_records(instrument_log(events), LINEAR, 0)
    with pytest.raises(EventLogError, match="choose a longer one"):
        stats_records(instrument_log(events), LINEAR, 1)
    (tmp_path / "stats.npz").write_bytes(b"mine")
    with pytest.raises(EventLogError, match="must not exist"):
        write_stats_npz(tmp_path / "stats.npz", instrument_log(events), LINEAR)
    assert (tmp_path / "stats.npz").read_bytes() == b"mine"


def test_the_same_log_gives_the_same_file(tmp_path: Path) -> None:
    events = long_life(20).events()
    for name in ("a.npz", "b.npz"):
        write_stats_npz(tmp_path / name, instrument_log(events), LINEAR)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
