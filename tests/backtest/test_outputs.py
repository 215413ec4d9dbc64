"""Options of the output section, and files for other tools."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hftbacktest.stats import LinearAssetRecord
from oracle.builders import COMPILED, INTERPRETED, Done, maker_config, run

from trading_platform.model.enums import EventKind
from trading_platform.model.records import AUDIT


def test_stats_are_readable_by_hftbacktest_and_tell_our_equity(done: Done) -> None:
    records = np.load(done.directory / "stats.npz")["0"]
    stats = LinearAssetRecord(records).contract_size(1).resample("1s").stats(book_size=100_000)
    samples = done.of(EventKind.PNL)
    frame = stats.entire

    equity = (frame["equity_wo_fee"] - frame["fee"]).to_numpy()
    assert len(records) > 50
    assert equity[-1] == pytest.approx(samples[-1]["a"] / 1e9, rel=1e-9)
    assert records["num_trades"][-1] == len(done.of(EventKind.FILL))
    assert records["position"][-1] == pytest.approx(samples[-1]["qty_lots"] / 1000)
    assert frame["fee"].to_numpy()[-1] == pytest.approx(done.of(EventKind.POSITION)[-1]["c"] / 1e9)


def test_tables_have_a_row_per_event_fill_order_and_sample(done: Done) -> None:
    rows = {path.stem: pl.read_parquet(path).height for path in done.directory.glob("*.parquet")}

    assert rows["events"] == len(done.events)
    assert rows["fills"] == len(done.of(EventKind.FILL))
    assert rows["orders"] == done.record["summary"]["orders"]["sent"]
    assert rows["equity"] == len(done.of(EventKind.PNL))


def test_sampling_interval_is_kept_and_zero_samples_at_the_end_only(slice_file: Path, tmp_path: Path) -> None:
    counts = {}
    for seconds in (0, 1, 5):
        one = run(
            maker_config((slice_file,), output__stats_interval_seconds=seconds), tmp_path / str(seconds)
        )
        samples = one.of(EventKind.PNL)
        counts[seconds] = len(samples)
        assert one.record["status"] == "done"
        if seconds:
            grid = samples["now_ns"][:-1] // (seconds * 10**9)
            assert len(set(grid.tolist())) == len(grid), "one sample an interval"

    assert counts[0] == 1
    assert counts[1] > 4 * counts[5] - 10 > 10


def test_touch_journal_has_every_change_and_changes_nothing_else(slice_file: Path, tmp_path: Path) -> None:
    quiet = run(maker_config((slice_file,)), tmp_path / "quiet")
    loud = run(maker_config((slice_file,), output__journal_touch=True), tmp_path / "loud")
    touches = loud.of(EventKind.TOUCH)

    assert len(quiet.of(EventKind.TOUCH)) == 0
    assert len(touches) > 500
    shown = np.stack([touches[name] for name in ("price_ticks", "qty_lots", "a", "b")], axis=1)
    assert (shown[1:] != shown[:-1]).any(axis=1).all(), "a touch that did not change was journaled"
    assert quiet.fills() == loud.fills()


@pytest.mark.parametrize("form", [INTERPRETED, COMPILED])
def test_audit_records_every_look_at_a_limit_and_leaves_the_log_as_it_is(
    slice_file: Path, tmp_path: Path, form: str
) -> None:
    plain = run(maker_config((slice_file,), form), tmp_path / "plain")
    audited = run(maker_config((slice_file,), form, output__audit="all"), tmp_path / "audited")
    audit = np.fromfile(audited.directory / "audit.bin", AUDIT)

    assert audited.digest == plain.digest
    assert not (plain.directory / "audit.bin").exists()
    assert len(audit) > audited.record["summary"]["orders"]["sent"]
    assert (audit["headroom"] == audit["limit"] - audit["observed"]).all()
    assert pl.read_parquet(audited.directory / "audit.parquet").height == len(audit)


def test_record_and_summary_are_plain_json(done: Done) -> None:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    for name in ("run.json", "summary.json"):
        json.loads((done.directory / name).read_text(encoding="utf-8"), parse_constant=refuse)
