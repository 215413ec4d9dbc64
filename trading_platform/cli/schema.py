"""``schema``: the published JSON Schemas."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .common import JsonOption, UsageError, next_step, print_json


class SchemaName(StrEnum):
    """What there is a schema of."""

    CONFIG = "config"
    EVENTS = "events"
    RUN = "run"
    CERTIFICATE = "certificate"


def print_schema(
    name: Annotated[
        SchemaName,
        typer.Argument(help="Of a configuration, of exported events, of run.json, of a data certificate."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it to this file; must not exist.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema (2020-12) of configurations, exported events, run records or data certificates.

    Example: trading-platform schema config --out config.schema.json
    """
    from importlib import resources

    shipped = resources.files("trading_platform.core") / "schemas" / f"{name.value}.schema.json"
    text = shipped.read_text(encoding="utf-8")
    if out is None:
        print(text, end="")
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"--out must be a file that does not exist, was {out}: choose another name"
        ) from error
    except OSError as error:
        raise UsageError(f"--out must be a file that can be written, was {out}: {error.strerror}") from error
    if as_json:
        print_json({"out": str(out), "schema": name.value})
        return
    print(f"wrote {out}")
    if name is SchemaName.CONFIG:
        print(f'with "$schema": "{out}" in a configuration an editor completes its keys')
        next_step("trading-platform config check --config CONFIG")
    elif name is SchemaName.EVENTS:
        next_step("trading-platform export last --out events.jsonl  (each line is valid against it)")
    elif name is SchemaName.CERTIFICATE:
        next_step("trading-platform data certify PATH  (writes certificates that are valid against it)")
    else:
        next_step("trading-platform runs show last  (a record that is valid against it)")
