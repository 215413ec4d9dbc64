"""Which strategy runs, with which parameters."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from .fields import ClassPath, Problem, Section, decimal_text, raise_problems


def _plain(value: Any, key: str, problems: list[Problem]) -> Any:
    """Return a JSON value with its decimals as text: exact, and the same before and after a round trip."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            problems.append(Problem(key, f"must be a finite number, was {value}"))
            return None
        if value and abs(value.adjusted()) > 40:
            problems.append(Problem(key, f"must have at most 40 digits, was {value}"))
            return None
        return decimal_text(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {
            name: _plain(item, f"{key}.{name}" if key else str(name), problems)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{key}[{index}]", problems) for index, item in enumerate(value)]
    problems.append(Problem(key, f"must be a JSON value with exact decimals, was {value!r}"))
    return None


def _plain_params(params: dict[str, Any]) -> dict[str, Any]:
    problems: list[Problem] = []
    plain = {name: _plain(value, name, problems) for name, value in params.items()}
    raise_problems(problems)
    return plain


class StrategyConfig(Section):
    """A strategy class and the values its own parameter model validates."""

    class_path: ClassPath = Field(
        description="module:Name of the strategy class or compiled strategy",
        examples=["trading_platform.strategies.touch_maker:touch_maker"],
    )
    params: Annotated[dict[str, Any], AfterValidator(_plain_params)] = Field(
        default_factory=dict,
        description="the strategy's parameters, validated by its own model; decimals are kept as text",
        examples=[{"order_qty": "0.01", "levels": 2}],
    )
