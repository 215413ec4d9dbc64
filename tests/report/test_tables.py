"""Tables repeat what the log says: exact integers, and the same in human units."""

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.eventlog.builders import INVERSE, LINEAR, SECOND_NS, START_NS, Life, every_kind, long_life
from trading_platform.eventlog.schema import belongs
from trading_platform.model.enums import (
    EventFlag,
    EventKind,
    HaltCode,
    OrderStatus,
    Side,
    TimeInForce,
)
from trading_platform.model.errors import EventLogError
from trading_platform.model.instrument import Instrument
from trading_platform.model.records import NO_SLOT
from trading_platform.report.orders import order_pieces, orders_frame
from trading_platform.report.parquet import write_parquet
from trading_platform.report.select import decimal_text
from trading_platform.report.tables import equity_frame, events_frame, fills_frame


def test_events_table_names_only_what_a_kind_carries() -> None:
    events = every_kind().events()
    frame = events_frame(events, [LINEAR])
    for record, row in zip(events, frame.iter_rows(named=True), strict=True):
        kind = EventKind(int(record["kind"]))
        assert row["kind"] == kind.name
        expected = {
            "side": Side(int(record["side"])).name,
            "status_to": OrderStatus(int(record["status_to"])).name,
            "tif": TimeInForce(int(record["tif"])).name,
        }
        for name, value in expected.items():
            assert row[name] == (value if belongs(kind, name) else None), (kind, name)
        assert row["slot"] == (None if record["slot"] == NO_SLOT else record["slot"])
        for name in ("seq", "cause_seq", "order_id", "price_ticks", "qty_lots", "a", "b", "c", "flags"):
            assert row[name] == record[name]


def test_codes_have_the_names_of_their_kind() -> None:
    frame = events_frame(every_kind().events(), [LINEAR])
    names = dict(frame.select("kind", "code_name").drop_nulls().iter_rows())
    assert names == {
        "DENIED": "POSITION",
        "QUEUED": "IN_FLIGHT",
        "DEQUEUED": "DROPPED",
        "ANOMALY": "UNKNOWN_ORDER",
        "HALT": "ANOMALY",
        "CONNECTION": "RESYNC",
    }


def test_prices_and_quantities_are_the_nearest_floats_of_the_exact_decimals() -> None:
    seed = 3
    print(f"seed {seed}")
    life, random = Life(), np.random.default_rng(seed)
    for ticks, lots in zip(random.integers(1, 10**7, 300), random.integers(1, 10**6, 300), strict=True):
        life.order(Side.BUY, int(ticks), int(lots))
    frame = events_frame(life.events(), [LINEAR])
    for ticks, price, lots, qty in frame.select("price_ticks", "price", "qty_lots", "qty").iter_rows():
        assert price == float(Decimal(ticks) * LINEAR.tick_size)
        assert qty == float(Decimal(lots) * LINEAR.lot_size)


def test_times_are_utc_and_keep_every_nanosecond() -> None:
    life = Life(start_ns=START_NS + 1)
    life.opening()
    time = events_frame(life.events(), [LINEAR])["time"]
    assert time.cast(pl.Int64)[0] == START_NS + 1
    assert time[0].replace(microsecond=0) == datetime(2024, 8, 8, tzinfo=timezone.utc)  # noqa: UP017


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_fills_add_up_to_the_ledger(instrument: Instrument) -> None:
    life = long_life(200, instrument)
    fills = fills_frame(life.events(), [instrument])
    signed = fills.select(
        pl.when(pl.col("side") == "BUY").then(pl.col("qty_lots")).otherwise(-pl.col("qty_lots"))
    )
    assert signed.to_series().sum() == life.net_lots == fills["net_lots"][-1]
    assert fills["fee_money"].sum() == life.fee_money
    for row in fills.head(20).iter_rows(named=True):
        assert row["value_money"] == life.value_money(row["qty_lots"], 2 * row["price_ticks"])
    assert fills["value"][0] == pytest.approx(fills["value_money"][0] * float(instrument.money_unit))


def test_flags_of_fills_are_columns() -> None:
    fills = fills_frame(every_kind().events(), [LINEAR])
    assert fills.select("maker", "estimated", "late").rows() == [
        (True, False, False),
        (False, True, False),
        (True, False, True),
    ]


def test_equity_table_shows_every_sample() -> None:
    life = every_kind()
    frame = equity_frame(life.events(), [LINEAR])
    assert len(frame) == 3
    assert frame["equity_money"][-1] == life.equity_money(1_233_999)
    assert frame["equity"][-1] == pytest.approx(life.equity_money(1_233_999) / 1e9, abs=1e-12)
    assert frame["mark"][-1] == 61_699.95
    assert frame["drawdown_money"].to_list() == [0, 0, frame["equity_money"][1] - frame["equity_money"][2]]


def test_a_sample_before_the_first_mark_has_no_mark() -> None:
    life = Life()
    life.pnl(0)
    assert equity_frame(life.events(), [LINEAR])["mark"].to_list() == [None]


def test_orders_of_every_end() -> None:
    orders = orders_frame(every_kind().events(), [LINEAR])
    assert orders["order_id"].to_list() == [1, 2, 3, 4]
    assert orders["status"].to_list() == ["CANCELED", "FILLED", "EXPIRED", "REJECTED"]
    assert orders["end_cause"].to_list() == ["REPLACED", "FILLED", "EXPIRED", "REJECTED"]
    assert orders["replaced_by"].to_list() == [2, None, None, None]
    assert orders["parent_order_id"].to_list() == [0, 1, 0, 0]
    assert orders["cum_lots"].to_list() == [6, 10, 0, 0]
    assert orders["maker_lots"].to_list() == [6, 0, 0, 0]
    assert orders["order_lots"].to_list() == [10, 10, 3, 3]
    assert orders["average_price"].to_list() == [61_700.0, 61_699.0, None, None]
    assert orders["side"].to_list() == ["BUY", "BUY", "SELL", "SELL"]
    assert [time is None for time in orders["acked"].to_list()] == [False, False, True, True]
    assert (orders["ended"] >= orders["sent"]).all()


def test_average_price_weighs_by_quantity() -> None:
    life = Life()
    order = life.order(Side.BUY, 617_010, 4)
    life.fill(order, 1, 617_000)
    life.fill(order, 3, 617_004)
    row = orders_frame(life.events(), [LINEAR]).row(0, named=True)
    assert row["average_price"] == pytest.approx(61_700.3)
    assert (row["fill_count"], row["cum_lots"], row["price_ticks"]) == (2, 4, 617_010)
    assert row["fee_money"] == life.fee_money


@pytest.mark.parametrize(
    ("asked", "cause"), [("strategy", "ON_REQUEST"), ("halt", "BY_HALT"), ("venue", "BY_VENUE")]
)
def test_a_cancel_says_who_wanted_it(asked: str, cause: str) -> None:
    life = Life()
    life.opening()
    order = life.order(Side.SELL, 617_010, 4)
    life.ack(order)
    if asked == "strategy":
        life.request_cancel(order)
    if asked == "halt":
        halt = life.add(EventKind.HALT, code=HaltCode.DRAWDOWN, a=5, b=4)
        life.request_cancel(order, halt)
    life.canceled(order)
    assert orders_frame(life.events(), [LINEAR])["end_cause"].to_list() == [f"CANCELED_{cause}"]


def test_a_late_fill_is_counted_and_does_not_end_an_order_again() -> None:
    life = Life()
    order = life.order(Side.BUY, 617_000, 4)
    life.ack(order)
    life.request_cancel(order)
    life.canceled(order)
    canceled_ns = life.now_ns
    life.wait(5)
    life.fill(order, 4, flags=EventFlag.MAKER | EventFlag.LATE)
    row = orders_frame(life.events(), [LINEAR]).row(0, named=True)
    assert row["cum_lots"] == 4
    assert row["status"] == "FILLED"
    assert row["ended"].timestamp() == canceled_ns / SECOND_NS


def test_an_order_that_was_not_sent_here_has_no_terms() -> None:
    """Carried over, or unknown: its fill is in the log all the same."""
    life = Life()
    order = life.order(Side.BUY, 617_000, 4)
    life.fill(order, 1)
    events = life.events()[2:].copy()
    row = orders_frame(events, [LINEAR]).row(0, named=True)
    assert (row["order_lots"], row["price"], row["sent"], row["cum_lots"]) == (None, None, None, 1)
    assert row["end_cause"] is None


def test_orders_agree_with_a_plain_loop() -> None:
    events = long_life(300, seed=4).events()
    expected: dict[int, list[object]] = {}
    for record in events:
        order_id, kind = int(record["order_id"]), int(record["kind"])
        if not order_id:
            continue
        row = expected.setdefault(order_id, [0, "", None])
        row[0] = int(str(row[0])) + (int(record["qty_lots"]) if kind == EventKind.FILL else 0)
        row[1] = OrderStatus(int(record["status_to"])).name
        if record["status_to"] >= OrderStatus.FILLED and row[2] is None:
            row[2] = int(record["now_ns"])
    orders = orders_frame(events, [LINEAR]).select(
        "order_id", "cum_lots", "status", pl.col("ended").cast(pl.Int64)
    )
    assert {row[0]: list(row[1:]) for row in orders.iter_rows()} == expected


def test_tables_of_several_instruments_use_the_grid_of_each() -> None:
    events = every_kind(LINEAR).events()
    events["instrument"][events["order_id"] == 2] = 1
    assert fills_frame(events, [LINEAR, INVERSE])["qty"].to_list() == [0.004, 10.0, 0.002]
    with pytest.raises(EventLogError, match="events are of instrument 1, was given 1"):
        events_frame(events, [LINEAR])


def test_tables_of_an_empty_log_are_empty() -> None:
    nothing = Life().events()
    for table in (events_frame, fills_frame, equity_frame, orders_frame):
        assert len(table(nothing, [LINEAR])) == 0
        assert table(nothing, [LINEAR]).schema == table(every_kind().events(), [LINEAR]).schema


@pytest.mark.parametrize("rounds", [0, 30])
def test_parquet_files_hold_the_tables(tmp_path: Path, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENTS_PER_FRAME", "PIECE_EVENTS"):  # several pieces
        monkeypatch.setattr(f"trading_platform.report.parquet.{name}", 50)
    events = long_life(rounds).events()
    rows = write_parquet(events, [LINEAR], tmp_path)
    tables = {"events": events_frame, "fills": fills_frame, "equity": equity_frame, "orders": orders_frame}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        expected = table(events, [LINEAR])
        assert pl.read_parquet(tmp_path / f"{name}.parquet").equals(expected)
        assert rows[name] == len(expected)


@pytest.mark.parametrize("orders_per_piece", [1, 2, 7])
def test_orders_are_the_same_however_they_are_cut(orders_per_piece: int) -> None:
    events = long_life(30).events()
    expected = orders_frame(events, [LINEAR])
    pieces = list(order_pieces(events, [LINEAR], orders_per_piece))

    assert len(pieces) > 1
    assert pl.concat(pieces).equals(expected)


def test_parquet_never_overwrites_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    events = every_kind().events()
    (tmp_path / "fills.parquet").write_bytes(b"mine")
    with pytest.raises(EventLogError, match="must not exist"):
        write_parquet(events, [LINEAR], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fills.parquet"]
    assert (tmp_path / "fills.parquet").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("count", "step", "text"),
    [
        (-123_400_000, "1e-9", "-0.1234"),
        (0, "1e-12", "0"),
        (1, "1e-12", "0.000000000001"),
        (5, "1e3", "5000"),
        (-7, "0.5", "-3.5"),
    ],
)
def test_amounts_are_written_exactly_and_without_exponents(count: int, step: str, text: str) -> None:
    assert decimal_text(count, Decimal(step)) == text
