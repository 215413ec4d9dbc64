"""A latency file is checked before the engine sees it, and the engine interpolates as we say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_data.builders import T0_NS
from venues.play import BUY, GTC, LOCAL_MS, START_NS, Play, book, ticks_of_time
from venues.play import MS as PLAY_MS

from trading_platform.data.latency import LATENCY, check_latencies, latency_at, load_latencies, save_latencies
from trading_platform.data.latency.file import rows_of
from trading_platform.model.errors import DataError
from trading_platform.model.records import Records

MS = 1_000_000


def good(count: int = 5) -> Records:
    req = T0_NS + np.arange(count, dtype=np.int64) * 100 * MS
    return rows_of(req, req + 3 * MS, req + 5 * MS)


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_a_file_reads_back_and_repeats_its_bytes(tmp_path: Path, suffix: str) -> None:
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    facts = save_latencies(one, good())
    save_latencies(two, good())

    assert one.read_bytes() == two.read_bytes()
    assert np.array_equal(load_latencies(one), good())
    assert load_latencies(one).flags.writeable  # the engine keeps its address
    assert (facts.rows, facts.entry_ns, facts.response_ns) == (5, (3 * MS,) * 4, (2 * MS,) * 4)
    assert facts.round_trip_max_ns == 5 * MS


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("req_ts", 0, "req_ts must be 1 to"),
        ("exch_ts", 0, r"exch_ts must not be 0 \(a reject\)"),
        ("exch_ts", T0_NS + 200 * MS, "entry latency must be > 0 ns, was 0"),
        ("resp_ts", T0_NS + 203 * MS, "response latency must be > 0 ns, was 0"),
        ("resp_ts", T0_NS + 3_700_000 * MS, "response latency must be at most an hour"),
        ("req_ts", T0_NS + 99 * MS, "req_ts must not fall"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(tmp_path: Path, field: str, value: int, rule: str) -> None:
    rows = good()
    rows[2][field] = value
    with pytest.raises(DataError, match=f"row 2: {rule}"):
        save_latencies(tmp_path / "x.npz", rows)
    assert list(tmp_path.iterdir()) == []


def test_venue_times_that_fall_are_refused() -> None:
    rows = good()
    rows["exch_ts"][1] = T0_NS + 250 * MS
    rows["resp_ts"][1] = T0_NS + 251 * MS
    with pytest.raises(DataError, match="row 2: exch_ts must not fall"):
        check_latencies(rows, "x")


@pytest.mark.parametrize("rows", [np.zeros(3), good(1)[:0], good(4).reshape(2, 2)])
def test_what_are_no_latency_rows_is_refused(rows: Records) -> None:
    with pytest.raises(DataError, match="must be one or more rows of hftbacktest's order latency"):
        check_latencies(rows, "x")


def test_the_layout_is_that_of_the_engine() -> None:
    from hftbacktest.data.utils.feed_order_latency import order_latency_dtype

    assert LATENCY.itemsize == order_latency_dtype.itemsize == 32
    assert LATENCY.names == order_latency_dtype.names


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(1, 9000), st.integers(1, 9000)), min_size=1, max_size=6
    ),
    st.integers(3, 70),
)
def test_the_engine_interpolates_as_we_say(steps: list[tuple[int, int, int]], at_ms: int) -> None:
    """An order that is sent at one instant is acknowledged when `latency_at` says."""
    req = START_NS + np.cumsum([step for step, _, _ in steps]) * PLAY_MS
    exch = np.maximum.accumulate(req + np.array([entry for _, entry, _ in steps]) * 1000)
    rows = rows_of(req, exch, exch + np.array([response for _, _, response in steps]) * 1000)
    check_latencies(rows, "drawn")

    session = Play([*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 200)], latency=rows)
    session.until(at_ms + LOCAL_MS)
    sent_ns = int(session.session["now_ns"])
    session.view.new_order(BUY, 0, 1000, 10, tif=GTC)
    session.finish()

    there_ns = sent_ns + latency_at(rows, sent_ns)[0]
    back_ms = (there_ns + latency_at(rows, there_ns)[1] - START_NS) / PLAY_MS
    assert session.story(1) == [("ACK", pytest.approx(back_ms, abs=1e-9))]
