"""JSON Schema (2020-12) of the configuration, generated from the models; tests compare the shipped file."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DecimalSchema

from .fields import DECIMAL_TEXT
from .run import SCHEMA_KEY, RunConfig

SCHEMA_ID: Final = "urn:trading-platform:schema:config:1"
_BOUNDS: Final = (
    ("gt", "exclusiveMinimum"),
    ("ge", "minimum"),
    ("lt", "exclusiveMaximum"),
    ("le", "maximum"),
)


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with decimals as this package reads them."""

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        """Return number (with its bounds) or decimal text: JSON Schema cannot compare text."""
        number: JsonSchemaValue = {"type": "number"}
        for key, word in _BOUNDS:
            bound: Any = schema.get(key)
            if bound is not None:
                number[word] = int(bound) if bound == int(bound) else float(bound)
        return {"anyOf": [number, {"type": "string", "pattern": DECIMAL_TEXT}]}


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file, draft 2020-12."""
    schema = RunConfig.model_json_schema(mode="validation", schema_generator=_Generator)
    schema["properties"] = {
        SCHEMA_KEY: {"type": "string", "description": "path or URL of this schema, for editors"},
        **schema["properties"],
    }
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": SCHEMA_ID, **schema}


def write_config_schema(path: Path) -> None:
    """Write the schema to ``path``."""
    path.write_text(json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
