"""The JSON Schema: shipped file, examples, descriptions, agreement with the models."""

import json
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from trading_platform.config.load import config_from_dict, load_config
from trading_platform.config.run import check_bounds
from trading_platform.config.schema import config_schema, write_config_schema

from .builders import BASE, INVERSE, changed, errors, with_changes

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/*.json"))
CONFIGS = [path for path in EXAMPLES if "engine" in json.loads(path.read_text())]


def valid(document: object) -> bool:
    return bool(Draft202012Validator(config_schema()).is_valid(document))


def test_the_shipped_schema_is_the_generated_one(tmp_path: Path) -> None:
    write_config_schema(tmp_path / "schema.json")
    shipped = resources.files("trading_platform.core") / "schemas" / "config.schema.json"
    assert shipped.read_text(encoding="utf-8") == (tmp_path / "schema.json").read_text(encoding="utf-8"), (
        "run trading_platform.config.schema.write_config_schema on the shipped file"
    )


def test_the_schema_is_valid_2020_12_and_has_an_id() -> None:
    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("urn:trading-platform:schema:config")


def test_every_field_is_described_and_every_object_is_closed() -> None:
    def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield schema
        yield from schema["$defs"].values()

    for model in objects(config_schema()):
        assert model["additionalProperties"] is False
        for name, field in model["properties"].items():
            assert field.get("description"), f"{model['title']}.{name}"


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and schema of every key that holds a value, not a section."""
    schema = config_schema()
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            kinds = [field, *field.get("anyOf", [])]
            is_section = any("$ref" in kind or "$ref" in kind.get("items", {}) for kind in kinds)
            if name != "$schema" and not is_section:
                yield f"{model['title']}.{name}", field


@pytest.mark.parametrize(
    ("name", "field"), list(fields()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_offers_values_that_are_valid(name: str, field: dict[str, Any]) -> None:
    """An editor proposes the words of an enum, true and false, or the examples."""
    offered = field.get("examples", [])
    if "enum" not in field and "const" not in field and field.get("type") != "boolean":
        assert offered, name
    for value in [*offered, *([field["default"]] if "default" in field else [])]:
        assert Draft202012Validator(field).is_valid(value), (name, value)


def test_the_examples_of_the_schema_load() -> None:
    """Each in a complete configuration, with what it needs beside it."""
    sections: dict[str, dict[str, Any]] = {
        "engine.data": {
            "venue": "binance-usdm",
            "instrument": "BTCUSDT",
            "start": "2024-08-08",
            "end": "2024-08-10",
        },
        "engine.depth": {"kind": "roi", "roi_min": 1, "roi_max": 100_000},
        "engine.queue_model": {"kind": "power_prob"},
        "risk.max_loss": {"rolling_loss": 10_000, "rolling_loss_window_seconds": 60},
        "risk.order_rate_limits": {"max_orders_per_second": 30, "max_cancels_per_second": 30},
        "risk.notional_limits": {"max_gross_notional": 10**6},
        "risk.quote_limits": {"max_active_quotes": 10},
    }
    files: dict[str, dict[str, object]] = {
        "engine.latency.file": {"engine.latency": {"kind": "interpolated"}}
    }
    partners = {
        "engine.opening_position": ("engine.opening_price", 60_000),
        "engine.opening_price": ("engine.opening_position", 1),
    }
    tried = 0
    for key, examples in examples_of(config_schema()):
        for value in examples:
            section = key.rpartition(".")[0]
            beside: dict[str, object] = {section: dict(sections[section])} if section in sections else {}
            beside |= [partners[key]] if key in partners else []
            beside |= files.get(key, {})
            beside |= {"engine.data_files": None} if section == "engine.data" else {}
            inverse = INVERSE if value == "contracts" else {}
            text = json.dumps(with_changes(beside | {key: value} | inverse))
            exact = json.loads(text, parse_float=Decimal)
            assert config_from_dict(exact, Path("/data"), check_files=False), (key, value)
            tried += 1
    assert tried > 40


def examples_of(schema: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield dotted key and examples of every key."""

    def walk(model: dict[str, Any], prefix: str) -> Iterator[tuple[str, list[Any]]]:
        for name, field in model["properties"].items():
            yield prefix + name, field.get("examples", [])
            for kind in (field, *field.get("anyOf", [])):
                if "$ref" in kind:
                    yield from walk(schema["$defs"][kind["$ref"].rpartition("/")[2]], f"{prefix}{name}.")

    yield from walk(schema, "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("engine.instrument.tick_size", "0.1"),
        ("engine.instrument.tick_size", 0.1),
        ("engine.instrument.tick_size", "1e-1"),
        ("engine.instrument.tick_size", "1E-1"),
        ("engine.instrument.tick_size", 1),
        ("engine.fees.maker_rate", -0.0002),
        ("engine.opening_position", 0),
        ("engine.initial_snapshot", None),
        ("engine.max_wakeups", None),
        ("engine.depth", {"kind": "roi", "roi_min": "1.0", "roi_max": 2}),
        ("risk.max_loss", None),
        ("risk.quote_limits", {"max_active_quotes": 3, "max_net_quote_notional": None}),
        ("strategy.params", {"anything": [1, {"at": "all"}], "x": None}),
        ("output.run_id", None),
        ("$schema", "anywhere"),
    ],
)
def test_what_load_accepts_the_schema_accepts(key: str, value: object) -> None:
    document = json.dumps(with_changes({key: value}))
    assert config_from_dict(json.loads(document, parse_float=Decimal), Path("/data"), check_files=False)
    assert valid(json.loads(document))


def test_there_are_examples() -> None:
    assert {path.name for path in CONFIGS} >= {"local.json", "btcusdt.json"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_examples_fit_the_schema_and_load(path: Path) -> None:
    problems = list(Draft202012Validator(config_schema()).iter_errors(json.loads(path.read_text())))
    assert not problems, problems
    config = load_config(path, check_files=False)
    check_bounds(config, config.instrument.price_to_ticks(config.engine.instrument.tick_size * 2_000_000))
    assert valid(config.resolved())


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("instrument", "tick_size", 0),
        ("instrument", "tick_size", "abc"),
        ("instrument", "tick_size", True),
        ("instrument", "kind", "quanto"),
        ("instrument", "name", "a b"),
        ("instrument", "tick", 1),
        ("fees", "maker_rate", 1),
        ("latency", "kind", "file"),
        ("latency", "entry_seconds", -1),
        ("queue_model", "kind", "best"),
    ],
)
def test_what_the_schema_refuses_the_models_refuse(section: str, key: str, value: object) -> None:
    document = json.loads(json.dumps(BASE))
    assert valid(document)
    document["engine"][section][key] = value
    assert not valid(document)
    assert errors({f"engine.{section}.{key}": value})


def test_the_resolved_form_fits_the_schema() -> None:
    assert valid(changed({"engine.depth": {"kind": "roi", "roi_min": 1, "roi_max": 2}}).resolved())
