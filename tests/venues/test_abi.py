"""What is installed must be what the adapter was written for; anything else is one clear error at import."""

import ctypes
from types import SimpleNamespace

import pytest
from hftbacktest import _hftbacktest
from hftbacktest.types import order_dtype, state_values_dtype

from trading_platform.model.errors import EngineError
from trading_platform.venues.hftbacktest import abi
from trading_platform.venues.hftbacktest.assets import QUEUE_MODELS
from trading_platform.venues.hftbacktest.returncodes import FATAL, explain

LIBRARY = ctypes.CDLL(_hftbacktest.__file__)
OFFSETS = {name: int(order_dtype.fields[name][1]) for name in order_dtype.names if not name.startswith("_")}


def fault(
    engine_version: str = "2.4.4", symbols: object = LIBRARY, offsets: dict[str, int] | None = None
) -> str:
    with pytest.raises(EngineError) as caught:
        abi.check_abi(engine_version, symbols, OFFSETS if offsets is None else offsets)
    return str(caught.value)


def test_the_installed_engine_fits() -> None:
    abi.check_abi("2.4.4", LIBRARY, OFFSETS)


def test_every_offset_of_an_order_that_is_read_is_checked() -> None:
    assert abi.ORDER_OFFSETS == OFFSETS
    assert state_values_dtype.fields["position"][1] == 0


@pytest.mark.parametrize("version", ["2.4.3", "2.5.0", ""])
def test_another_version_is_named_with_the_supported_ones(version: str) -> None:
    text = fault(version)

    assert f"version must be one of {', '.join(abi.SUPPORTED_VERSIONS)}, was {version}" in text
    assert "Install hftbacktest==2.4.4" in text


def test_missing_symbols_are_named() -> None:
    gone = {"roivecbt_cancel", "orders_get"}
    rest = SimpleNamespace(**{name: getattr(LIBRARY, name) for name in abi.SIGNATURES if name not in gone})
    text = fault(symbols=rest)

    assert text.count("symbols are missing") == 1
    assert all(name in text for name in gone)
    assert "hashmapbt_cancel" not in text


def test_moved_and_absent_fields_of_an_order_are_named_with_their_offset() -> None:
    moved = OFFSETS | {"leaves_qty": 24}
    del moved["status"]
    text = fault(offsets=moved)

    assert "'leaves_qty': 24" in text
    assert "'status'" in text
    assert "price_tick" not in text


def test_all_faults_are_told_at_once() -> None:
    text = fault("9", SimpleNamespace(), {})

    assert all(part in text for part in ("version must be", "symbols are missing", "layout of an order"))


def test_every_fatal_code_is_explained_and_an_unknown_one_says_so() -> None:
    documented = {10, 11, 12, 13, 14, 15, 100}

    assert set(FATAL) == documented
    texts = {code: explain(code) for code in (*documented, 16, -1)}
    assert all(str(code) in text for code, text in texts.items())
    assert len({text.partition(":")[2] for code, text in texts.items() if code in documented}) == len(
        documented
    )
    assert "a code that version 2.4.4 does not have" in texts[16]
    assert "a code that version 2.4.4 does not have" in texts[-1]


def test_queue_models_are_those_the_config_knows() -> None:
    from trading_platform.config.venue import QueueModelConfig

    kinds = QueueModelConfig.model_json_schema()["properties"]["kind"]["enum"]
    assert tuple(kinds) == QUEUE_MODELS
