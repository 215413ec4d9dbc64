"""Latency rows by hand: from feed latency, from own orders, by profile; never zero, never out of order."""

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from market_data.builders import BOTH, T0_NS, rows_of

from trading_platform.data.events import BUY_FLAG, DEPTH, EXCH_FLAG, EventArray
from trading_platform.data.latency import (
    PROFILES,
    Leg,
    check_latencies,
    latencies_from_feed,
    latencies_from_orders,
    latencies_of_profile,
)
from trading_platform.model.errors import ConfigError, DataError
from trading_platform.model.records import Records

MS = 1_000_000


def feed(*rows: tuple[float, float], flags: int = BOTH) -> EventArray:
    """Return rows received at (ms after T0) with a feed latency [ms]."""
    return rows_of(
        *(
            (DEPTH | BUY_FLAG | flags, T0_NS + round((at - latency) * MS), T0_NS + round(at * MS), 1.0, 1.0)
            for at, latency in rows
        )
    )


def in_ms(rows: Records) -> list[tuple[float, float, float]]:
    """Return (sent after T0, entry, response) [ms]."""
    return [
        (
            (int(row["req_ts"]) - T0_NS) / MS,
            (row["exch_ts"] - row["req_ts"]) / MS,
            (row["resp_ts"] - row["exch_ts"]) / MS,
        )
        for row in rows
    ]


def test_each_way_is_factor_times_feed_latency_plus_offset() -> None:
    rows = latencies_from_feed(
        [feed((10, 4), (120, 6))],
        entry=Leg(Fraction(3, 2), 1 * MS, 1),
        response=Leg(Fraction(1, 2), 0, 1),
        interval_ns=100 * MS,
    )

    assert in_ms(rows) == [(10, 7, 2), (120, 10, 3)]


def test_no_way_is_shorter_than_its_floor() -> None:
    legs = {"entry": Leg(Fraction(0), 0, 5 * MS), "response": Leg(Fraction(1), -100 * MS, 2 * MS)}
    rows = latencies_from_feed([feed((10, 4), (120, 6))], **legs)

    assert in_ms(rows) == [(10, 5, 2), (120, 5, 2)]


def test_a_long_silence_times_a_fine_factor_does_not_wrap_around_to_the_floor() -> None:
    """15 s times 999.999999 is four hours; in int64 nanoseconds times a numerator of 10^9 it was nothing."""
    with pytest.raises(
        DataError, match="feed latency must be at most an hour after the factor, was 15000000000 ns"
    ):
        latencies_from_feed([feed((20_000, 15_000))], entry=Leg(Fraction(999_999_999, 1_000_000)))


def test_the_last_row_of_an_interval_stands_for_it_over_files_too() -> None:
    first, second = feed((10, 1), (20, 2)), feed((30, 3), (150, 4))
    rows = latencies_from_feed([first, second], entry=Leg(floor_ns=1), response=Leg(floor_ns=1))

    assert in_ms(rows) == [(30, 3, 3), (150, 4, 4)]


def test_an_order_does_not_overtake_the_one_before() -> None:
    rows = latencies_from_feed([feed((100, 300), (200, 10))], response=Leg(Fraction(0), 0, MS))

    assert in_ms(rows) == [(100, 300, 1), (200, 200, 1)]
    check_latencies(rows, "rows")


def test_rows_that_we_did_not_receive_do_not_count() -> None:
    with pytest.raises(DataError, match="must hold rows with the LOCAL flag"):
        latencies_from_feed([feed((10, 4), flags=EXCH_FLAG)])


@pytest.mark.parametrize(
    ("leg", "text"),
    [(Leg(Fraction(-1)), "factor must be 0"), (Leg(floor_ns=0), "floor must be >= 1 ns, was 0")],
)
def test_a_leg_that_could_be_zero_is_refused(leg: Leg, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        latencies_from_feed([feed((10, 4))], entry=leg)


# --- own orders


def csv_of(tmp_path: Path, *lines: str, header: str = "sent,acknowledged,received") -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def at(*ms: float) -> str:
    return ",".join(str(T0_NS + round(one * MS)) for one in ms)


def test_own_orders_become_rows_in_the_order_of_sending(tmp_path: Path) -> None:
    own = latencies_from_orders(
        csv_of(tmp_path, at(50, 53, 55), at(10, 12, 15), f"{at(60)},,", f"{at(70)},0,{at(71)}")
    )

    assert in_ms(own.rows) == [(10, 2, 3), (50, 3, 2)]
    assert (own.unanswered, own.held) == (2, 0)


def test_columns_and_unit_of_any_recorder(tmp_path: Path) -> None:
    us = [str((T0_NS + ms * MS) // 1000) for ms in (10, 12, 15)]
    path = csv_of(tmp_path, f"7,{us[2]},{us[0]},{us[1]}", header="id,back,out,matched")

    own = latencies_from_orders(path, columns=("out", "matched", "back"), unit="us")
    assert in_ms(own.rows) == [(10, 2, 3)]


def test_an_overtaken_request_is_held(tmp_path: Path) -> None:
    own = latencies_from_orders(csv_of(tmp_path, at(10, 30, 31), at(11, 14, 16)))

    assert in_ms(own.rows) == [(10, 20, 1), (11, 19, 2)]
    assert own.held == 1
    check_latencies(own.rows, "rows")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (
            (at(10, 9, 15), at(50, 53, 55)),
            r"its clock contradicts ours: give --venue-shift-ns from 1000001 to 1999999",
        ),
        ((at(10, 5, 11), at(50, 58, 59)), "no shift fits all"),
        ((at(10, 12, 9),), "must be answered after it was sent"),
        (("1723161256,1723161257,1723161258",), r"orders.csv:2: must be a time since 1970 as an integer"),
        ((at(10, 12, 15), "x,y,z"), r"orders.csv:3: must be a time"),
        ((at(10),), r"orders.csv:2: must have 3 fields or more, had 1"),
        ((), "must hold at least one answered request"),
    ],
)
def test_records_that_contradict_themselves_are_refused(
    tmp_path: Path, lines: tuple[str, ...], text: str
) -> None:
    with pytest.raises(DataError, match=text):
        latencies_from_orders(csv_of(tmp_path, *lines))


def test_a_shift_brings_the_venues_clock_to_ours(tmp_path: Path) -> None:
    path = csv_of(tmp_path, at(10, 9, 15), at(50, 53, 55))

    assert in_ms(latencies_from_orders(path, venue_shift_ns=1_500_000).rows) == [
        (10, 0.5, 4.5),
        (50, 4.5, 0.5),
    ]


def test_a_missing_column_file_or_unit_is_told(tmp_path: Path) -> None:
    path = csv_of(tmp_path, at(1, 2, 3), header="a,b,c")
    with pytest.raises(
        DataError, match=r"orders.csv:1: header must name .* lacks sent, acknowledged, received"
    ):
        latencies_from_orders(path)
    with pytest.raises(DataError, match="must be a readable CSV file"):
        latencies_from_orders(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="unit must be one of ns, us, ms, was s"):
        latencies_from_orders(path, unit="s")


# --- profiles


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_the_distribution_that_it_tells(name: str) -> None:
    """Mean of a mixture of exponentials above a base; capped draws lose less than a thousandth of it."""
    profile = PROFILES[name]
    rows = latencies_of_profile(name, T0_NS, T0_NS + 400_000 * 10**9, seed=3, interval_ns=10**9)
    response = (rows["resp_ts"] - rows["exch_ts"]).astype(np.float64)
    share = profile.spike_permille / 1000

    assert check_latencies(rows, name).rows == 400_002
    assert response.min() >= profile.base_ns
    assert response.max() <= profile.base_ns + 12 * profile.spike_ns
    mean = profile.base_ns + (1 - share) * profile.jitter_ns + share * profile.spike_ns
    assert abs(response.mean() / mean - 1) < 0.01
    calm = profile.base_ns + profile.jitter_ns * np.log(2)  # the median of the common part
    assert abs(np.median(response) / calm - 1) < 0.02


def test_profiles_repeat_on_every_machine() -> None:
    """Integers from raw PCG64 words: this hash may change only with the distribution."""
    digest = hashlib.sha256()
    for name in PROFILES:
        digest.update(latencies_of_profile(name, T0_NS, T0_NS + 10**11, seed=7).tobytes())

    assert digest.hexdigest() == "79d57d8df2cbf4ab0ed5a9f6df81814f26cb3fdf88a7103f17396901f95c8fd5"
    other = latencies_of_profile("colocated", T0_NS, T0_NS + 10**11, seed=8)
    assert not np.array_equal(other, latencies_of_profile("colocated", T0_NS, T0_NS + 10**11, seed=7))


@pytest.mark.parametrize(
    ("name", "first", "last", "options", "text"),
    [
        ("moon", 1, 2, {"seed": 1}, "profile must be one of colocated, same-region, cross-region, was moon"),
        ("colocated", 1, 2, {"seed": -1}, "seed must be >= 0"),
        ("colocated", 5, 2, {"seed": 1}, "interval and range must be > 0"),
        ("colocated", 1, 2, {"seed": 1, "interval_ns": 0}, "interval and range must be > 0"),
        ("colocated", 1, 10**12, {"seed": 1, "interval_ns": 1}, "rows must be at most 20000000"),
    ],
)
def test_a_profile_that_cannot_be_drawn_is_refused(
    name: str, first: int, last: int, options: dict[str, int], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        latencies_of_profile(name, first, last, **options)
