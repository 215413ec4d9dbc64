"""Real recordings: their certificates are what a count by hand gave, and bytes repeat."""

from decimal import Decimal
from pathlib import Path

import pytest
from market_data.builders import COINM_FILES, USDM_FILE, recordings

from trading_platform._jit import COMPILED
from trading_platform.data.certify.codes import Verdict
from trading_platform.data.certify.store import certify_files, write_certificates
from trading_platform.data.certify.verdict import verdict_of
from trading_platform.data.clean import clean
from trading_platform.data.convert import convert

from .markets import found

pytestmark = pytest.mark.skipif(
    not COMPILED, reason="minutes as plain Python, and tests/certify covers each rule"
)
TICK = Decimal("0.1")


def converted(source: str, names: tuple[str, ...], out: Path) -> list[Path]:
    return [made.path for made in convert(source, recordings(*names), out).files]


@pytest.fixture(scope="module")
def usdm(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return converted("binance-usdm", (USDM_FILE,), tmp_path_factory.mktemp("usdm"))


def test_the_usdm_recording_has_a_book_that_never_crosses_and_a_clock_that_drifts(usdm: list[Path]) -> None:
    certificate = certify_files(usdm, tick_size=TICK, lot_size=Decimal("0.001"))

    one, tail = certificate.files  # 41 ms are of the next day
    assert found(tail) == {"CLOCK_SHIFTED": 1}
    assert found(one) == {"CLOCK_DRIFT": 1, "TRADE_AFTER_DEPTH": 139, "CLOCK_SHIFTED": 1}
    assert one.verdict is Verdict.WARNINGS
    assert (one.facts.trades, one.facts.local_rows) == (21_313, 466_836 - tail.facts.local_rows)
    assert one.facts.clock_drift_ns_per_s == -5054.855
    assert (one.facts.book.crossed_ns, one.facts.book.locked_ns, one.facts.book.one_sided_ns) == (0, 0, 0)


def test_the_drift_of_the_usdm_recording_is_taken_out(usdm: list[Path], tmp_path: Path) -> None:
    (made,) = clean(usdm[:1], ["CLOCK_DRIFT"], tmp_path / "out", tick_size=TICK, lot_size=Decimal("0.001"))

    assert found(made.certificate) == {"TRADE_AFTER_DEPTH": 139, "CLOCK_SHIFTED": 1}
    assert made.certificate.verdict is Verdict.CLEAN
    assert verdict_of(made.path)["verdict"] == "clean"


def test_two_coinm_files_are_one_clean_stream(tmp_path: Path) -> None:
    paths = converted("binance-coinm", COINM_FILES, tmp_path)

    certificate = certify_files(paths, tick_size=TICK, lot_size=Decimal(1))

    assert [found(one) for one in certificate.files] == [
        {"TRADE_AFTER_DEPTH": 128, "CLOCK_SHIFTED": 1},
        {"CLOCK_SHIFTED": 1},  # the first file passes midnight
        {"TRADE_AFTER_DEPTH": 88, "CLOCK_SHIFTED": 1},
    ]
    assert certificate.verdict is Verdict.CLEAN
    written = write_certificates(certificate, paths)
    before = [path.read_bytes() for path in written]
    write_certificates(certify_files(paths, tick_size=TICK, lot_size=Decimal(1)), paths)
    assert [path.read_bytes() for path in written] == before
    (alone,) = certify_files(paths[2:], tick_size=TICK, lot_size=Decimal(1)).files
    assert set(found(alone)) == {"TRADE_AFTER_DEPTH", "CLOCK_SHIFTED", "NO_SNAPSHOT"}
