"""Parameters: human units in the config, exact integers in the strategy, anything else an error that names the key."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from oracle.builders import COMPILED, maker_config
from pydantic import ValidationError
from venues.play import INSTRUMENT

from trading_platform.backtest.engine import open_session
from trading_platform.model.errors import ConfigError
from trading_platform.strategies.params import PriceDistance, Qty, Seconds, StrategyParams


class Params(StrategyParams):
    """One field of each kind."""

    size: Qty
    offset: PriceDistance
    pause: Seconds = Decimal(0)
    levels: int = 3
    passive: bool = True


def record(**values: Any) -> dict[str, int]:
    made = Params.model_validate({"size": "0.01", "offset": 1} | values).to_record(INSTRUMENT)
    return {name: int(made[name]) for name in made.dtype.names or ()}


def test_record_has_an_integer_per_field_with_the_unit_in_its_name() -> None:
    dtype = Params.record_dtype()

    assert dtype.names == ("size_lots", "offset_ticks", "pause_ns", "levels", "passive")
    assert {dtype[name].str for name in dtype.names} == {"<i8"}
    assert Params.units() == {"size": "lots", "offset": "ticks", "pause": "ns", "levels": "", "passive": ""}


def test_values_are_converted_exactly() -> None:
    """60000.1 / 0.1 is 600001 here and 600000.9999999999 in floating point."""
    assert record(size="0.137", offset=Decimal("60000.1"), pause="0.000000001") == {
        "size_lots": 137,
        "offset_ticks": 600_001,
        "pause_ns": 1,
        "levels": 3,
        "passive": 1,
    }


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"size": "0.0105"},
            "strategy.params.size must be a multiple of 0.001, was 0.0105 (nearest: 0.010 or 0.011)",
        ),
        (
            {"offset": "0.25"},
            "strategy.params.offset must be a multiple of 0.1, was 0.25 (nearest: 0.2 or 0.3)",
        ),
        ({"pause": "0.0000000005"}, "strategy.params.pause must be a multiple of 1E-9, was 5E-10"),
    ],
)
def test_value_off_the_grid_names_key_step_value_and_neighbours(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        record(**values)

    assert text in str(caught.value)


@pytest.mark.parametrize("value", [0.01, True, "a lot", "NaN", "Infinity", None, [1]])
@pytest.mark.parametrize("name", ["size", "offset", "pause"])
def test_floats_and_what_is_no_decimal_are_refused(name: str, value: object) -> None:
    """A float is not exact: 0.1 + 0.2 has no place on a grid."""
    with pytest.raises(ValidationError) as caught:
        record(**{name: value})

    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


@pytest.mark.parametrize(
    "values", [{"levels": "3"}, {"levels": 3.0}, {"levels": True}, {"passive": 1}, {"sizes": "1"}]
)
def test_plain_fields_are_strict_and_unknown_ones_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        record(**values)

    assert len(caught.value.errors()) == 1


def test_params_are_frozen() -> None:
    params = Params(size=Decimal(1), offset=Decimal(1))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(params, "levels", 4)  # noqa: B010 (a plain assignment is an error of types, too)


@pytest.mark.parametrize("annotation", [float, str, Decimal, int | None])
def test_field_of_another_type_is_an_error_of_the_model(annotation: Any) -> None:
    model: Any = type("Odd", (StrategyParams,), {"__annotations__": {"odd": annotation}})
    with pytest.raises(ConfigError, match=r"Odd\.odd must be Qty, PriceDistance, Seconds, int or bool"):
        model.record_dtype()


def test_model_without_fields_has_a_record_too() -> None:
    assert StrategyParams.record_dtype().itemsize == 8
    assert StrategyParams().to_record(INSTRUMENT).dtype.names == ("_",)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, ("strategy.params.order_qty", "required")),
        ({"order_qty": "0"}, ("strategy.params.order_qty must be > 0, was 0",)),
        ({"order_qty": "0.0001"}, ("strategy.params.order_qty must be a multiple of 0.001",)),
        ({"order_qty": "0.01", "levels": 17}, ("strategy.params.levels", "17")),
        (
            {"order_qty": "0.01", "level_step": "0.05"},
            ("strategy.params.level_step must be a multiple of 0.1",),
        ),
    ],
)
def test_wrong_params_of_a_run_name_the_key_in_the_config(
    small_market: Path, params: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_session(maker_config((small_market,), COMPILED, strategy__params=params))

    assert all(word in str(caught.value) for word in words), str(caught.value)
