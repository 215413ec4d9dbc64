"""The JSON Schema: shipped file, examples, descriptions, agreement with the models."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from trading_platform.config.load import load_config
from trading_platform.config.run import check_bounds
from trading_platform.config.schema import config_schema, write_config_schema

from .builders import BASE, changed, errors

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
