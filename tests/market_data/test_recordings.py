"""Real recordings: our converter against hftbacktest's, row for row."""

import gzip
import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hftbacktest.data.utils import binancefutures

from trading_platform._jit import COMPILED
from trading_platform.data.convert import convert
from trading_platform.data.events import EXCH_FLAG, LOCAL_FLAG, EventArray
from trading_platform.data.files import load_events
from trading_platform.data.validate import validate_events

from .builders import COINM_FILES, USDM_FILE, recordings

pytestmark = pytest.mark.skipif(
    not COMPILED, reason="hftbacktest's converter reads past its arrays, which only compiled code survives"
)
TICK = Decimal("0.1")


def oracle(path: Path, base_latency_ns: int) -> EventArray:
    rows: EventArray = binancefutures.convert(str(path), base_latency=base_latency_ns, buffer_size=1_500_000)
    return rows


@pytest.mark.parametrize(
    ("source", "name", "base_latency_ns", "lot"),
    [
        ("binance-usdm", USDM_FILE, 1, "0.001"),
        ("binance-coinm", COINM_FILES[0], 1, "1"),
        ("binance-coinm", COINM_FILES[1], 250_000, "1"),
    ],
)
def test_one_file_equals_the_oracle_row_for_row(
    tmp_path: Path, source: str, name: str, base_latency_ns: int, lot: str
) -> None:
    (path,) = recordings(name)

    result = convert(source, [path], tmp_path, base_latency_ns=base_latency_ns)

    made = np.concatenate([load_events(file.path) for file in result.files])
    assert made.tobytes() == oracle(path, base_latency_ns).tobytes()
    assert (result.gap_count, result.files[0].report.clock_steps_back) == (0, 0)
    facts = validate_events([made], [name], TICK, Decimal(lot))
    assert facts.rows == sum(file.rows for file in result.files)
    grid = (result.files[0].facts.tick_size, result.files[0].facts.lot_size)
    assert grid == (TICK, Decimal(lot)), "derived from the decimals"
    assert facts.has_snapshot == (name != COINM_FILES[1])


def test_facts_of_the_usdm_recording(tmp_path: Path) -> None:
    (path,) = recordings(USDM_FILE)

    result = convert("binance-usdm", [path], tmp_path)

    assert [file.path.parent.name for file in result.files] == ["2024-08-08", "2024-08-09"], "received in UTC"
    files = [load_events(file.path) for file in result.files]
    facts = validate_events(files, ["08", "09"], TICK, Decimal("0.001"))
    assert (facts.rows, facts.local_rows) == (491_973, 466_836)
    assert (facts.traded_min_ticks, facts.traded_max_ticks) == (615_903, 618_399)
    assert facts.trade_count == result.files[0].report.messages["trade"] == 21_313
    assert result.latency_min_ns == -1_272_156_851


def test_two_files_of_a_stream_equal_the_oracle_of_their_concatenation(tmp_path: Path) -> None:
    paths = recordings(*COINM_FILES)
    joined = tmp_path / "joined.gz"
    with gzip.open(joined, "wb", compresslevel=1) as out:
        for path in paths:
            with gzip.open(path) as lines:
                shutil.copyfileobj(lines, out)

    result = convert("binance-coinm", paths, tmp_path / "out")

    files = [load_events(file.path) for file in result.files]
    assert result.gap_count == 0
    validate_events(files, [str(file.path) for file in result.files], TICK, Decimal(1))
    ours, theirs = np.concatenate(files), oracle(joined, 1)
    for flag in (EXCH_FLAG, LOCAL_FLAG):
        assert _seen(ours, flag) == _seen(theirs, flag)


def _seen(rows: EventArray, flag: int) -> bytes:
    seen = rows[(rows["ev"] & np.uint64(flag)) != 0].copy()
    seen["ev"] &= np.uint64(~(EXCH_FLAG | LOCAL_FLAG) & 0xFFFFFFFF)
    return seen.tobytes()
