"""A manifest is read back as it was written, and a damaged one is refused by the name of its key."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trading_platform.data.manifest import (
    MANIFEST_SCHEMA,
    Manifest,
    Output,
    SourceFile,
    Stream,
    manifest_path,
    read_manifest,
    write_manifest,
)
from trading_platform.model.errors import DataError

MANIFEST = Manifest(
    venue="binance-usdm",
    instrument="BTCUSDT",
    day=date(2024, 8, 8),
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.00000001"),
    grid="derived",
    stream=Stream("binance-usdm", 2, -5, 1, 6, ("a.gz", "b.gz")),
    source=SourceFile("a.gz", "0" * 64, 10),
    output=Output("a.npy", "f" * 64, 3, 2, 2, 1, 2, 1, 2),
    report={"lines": 3, "gap_count": 0, "gaps": []},
)


def test_manifests_are_read_as_written(tmp_path: Path) -> None:
    for number, manifest in enumerate(
        (
            MANIFEST,
            replace(MANIFEST, merged=(SourceFile("b.gz", "1" * 64, 4),), fixes=({"code": "X"},)),
            replace(MANIFEST, clip={"start": "2024-08-08"}),
        )
    ):
        path = tmp_path / f"{number}.json"
        write_manifest(path, manifest)
        assert read_manifest(path) == manifest
        assert path.read_bytes() == manifest.to_bytes()
    facts = json.loads((tmp_path / "0.json").read_bytes())
    assert list(facts) == sorted(facts)
    assert (facts["schema"], facts["day"]) == (MANIFEST_SCHEMA, "2024-08-08")
    assert (facts["tick_size"], facts["lot_size"]) == ("0.1", "0.00000001"), "no exponent"
    assert manifest_path(tmp_path / "day.npy") == tmp_path / "day.json"


def test_another_manifest_is_kept_unless_overwriting_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_manifest(path, MANIFEST)
    other = replace(MANIFEST, venue="other")

    with pytest.raises(DataError, match="exists with other content and was kept"):
        write_manifest(path, other)
    assert read_manifest(path) == MANIFEST
    write_manifest(path, other, overwrite=True)
    assert read_manifest(path) == other


ABSENT = object()
BROKEN: dict[str, tuple[tuple[str, ...], object, str]] = {
    "old schema": (
        ("schema",),
        "trading-platform/market-data/1",
        "schema must be 'trading-platform/market-data/2'",
    ),
    "no venue": (("venue",), ABSENT, "keys must be .*missing.*venue"),
    "unknown key": (("colour",), "red", "keys must be .*unknown.*colour"),
    "day": (("day",), "8 August", "day must be a day like 2024-08-08, was '8 August'"),
    "tick": (("tick_size",), "0", "tick_size must be a decimal > 0, was '0'"),
    "tick as number": (("tick_size",), 0.1, "tick_size must be a text, was 0.1"),
    "tick as word": (("tick_size",), "small", "tick_size must be a decimal > 0, was 'small'"),
    "grid": (("grid",), "guessed", "grid must be given or derived, was 'guessed'"),
    "stream": (("stream",), [], "stream must be an object"),
    "files": (("stream", "files"), "a.gz", "stream.files must be a list, was 'a.gz'"),
    "shift": (("stream", "clock_shift_ns"), 1.5, "stream.clock_shift_ns must be an integer, was 1.5"),
    "hash": (("source", "sha256"), "0" * 63, "source.sha256 must be 64 hexadecimal digits"),
    "rows": (("output", "rows"), -1, "output.rows must be >= 0, was -1"),
    "rows as truth": (("output", "rows"), True, "output.rows must be an integer, was True"),
    "no rows": (("output", "rows"), ABSENT, "keys of output must be .*missing.*rows"),
    "report": (("report",), None, "report must be an object, was None"),
    "fixes": (("fixes",), {}, "fixes must be a list"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_manifest_is_refused_by_its_key(tmp_path: Path, fault: str) -> None:
    keys, value, rule = BROKEN[fault]
    facts: dict[str, Any] = json.loads(MANIFEST.to_bytes())
    place = facts
    for key in keys[:-1]:
        place = place[key]
    if value is ABSENT:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    path = tmp_path / "a.json"
    path.write_text(json.dumps(facts))

    with pytest.raises(DataError, match=rule) as caught:
        read_manifest(path)

    assert str(path) in str(caught.value)


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match="must be a readable manifest"):
        read_manifest(path)
    for text, rule in (
        ("{", "must be a manifest in JSON"),
        ("[]", "schema must be"),
        ("3", "schema must be"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=rule):
            read_manifest(path)
