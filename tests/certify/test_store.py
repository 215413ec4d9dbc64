"""Certificates beside their data, what a run says about them, their schema, and their commands."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from cli.calling import Command

from trading_platform.data.certify.model import certificate_schema, write_certificate_schema
from trading_platform.data.certify.store import certify_files, write_certificates
from trading_platform.data.certify.verdict import certificate_path, read_certificate, verdict_of
from trading_platform.data.events import BUY_FLAG, DEPTH
from trading_platform.data.files import file_sha256, load_events, save_events
from trading_platform.data.manifest import manifest_path, output_of, write_manifest
from trading_platform.model.errors import DataError

from .markets import LOT, MID_TICKS, TICK, healthy, insert, manifest_with, row

SCHEMA = Path(__file__).resolve().parents[2] / "trading_platform/core/schemas/certificate.schema.json"
GRID = ("--tick-size", TICK, "--lot-size", LOT)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    save_events(tmp_path / "market.npy", healthy())
    return tmp_path / "market.npy"


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A market with a level that nobody removed."""
    save_events(
        tmp_path / "locked.npy", insert(healthy(), 120, row(DEPTH | BUY_FLAG, 1005, MID_TICKS + 1, 5))
    )
    return tmp_path / "locked.npy"


def certify(path: Path) -> Path:
    return write_certificates(certify_files([path], tick_size=TICK, lot_size=LOT), [path])[0]


def test_the_shipped_schema_is_that_of_the_models(tmp_path: Path) -> None:
    write_certificate_schema(tmp_path / "schema.json")
    assert (tmp_path / "schema.json").read_text() == SCHEMA.read_text(), (
        "run trading_platform.data.certify.model.write_certificate_schema on the shipped file"
    )


def test_a_written_certificate_is_valid_and_reads_back(locked: Path) -> None:
    out = certify(locked)

    assert out.name == "locked.certificate.json"
    document = json.loads(out.read_bytes())
    jsonschema.Draft202012Validator(certificate_schema()).validate(document)
    assert read_certificate(out).to_json() == out.read_bytes()
    assert document["schema"] == "trading-platform/certificate/1"


def test_verdict_follows_certificate_and_data(market: Path) -> None:
    assert verdict_of(market)["verdict"] == "uncertified"
    out = certify(market)
    told = verdict_of(market)
    assert told == {
        "verdict": "clean",
        "certificate_sha256": file_sha256(out),
        "findings": {"info": 0, "warning": 0, "error": 0},
    }
    save_events(market, load_events(market)[:-1].copy(), overwrite=True)
    assert verdict_of(market)["verdict"] == "stale"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"schema": "other"}'])
def test_a_damaged_certificate_is_an_error_with_its_name(market: Path, content: bytes) -> None:
    certificate_path(market).write_bytes(content)
    with pytest.raises(DataError, match=r"market\.certificate\.json: must be a valid certificate"):
        verdict_of(market)


def test_a_manifest_gives_the_grid_and_must_be_about_the_file(market: Path) -> None:
    output = output_of(market, load_events(market))
    manifest = replace(manifest_with(gap_count=2), output=output)
    write_manifest(manifest_path(market), manifest)
    (one,) = certify_files([market]).files
    assert (one.tick_size, one.lot_size) == ("0.1", "0.001")
    assert [finding.code for finding in one.findings] == ["SEQUENCE_GAP"]

    changed = replace(manifest, output=replace(output, sha256="0" * 64))
    write_manifest(manifest_path(market), changed, overwrite=True)
    with pytest.raises(DataError, match=r"market\.json: output\.sha256 must be the SHA-256 of market\.npy"):
        certify_files([market])


def test_certify_without_a_grid_asks_for_it(tool: Command, market: Path) -> None:
    answer = tool("data", "certify", market)

    assert answer.code == 2
    assert "give --tick-size" in answer.err
    assert not certificate_path(market).exists()


def test_certify_tells_findings_and_strict_fails(tool: Command, market: Path, locked: Path) -> None:
    clean = tool("data", "certify", market, *GRID, "--strict")
    assert clean.code == 0
    assert "market.npy: clean" in clean.out
    assert "nothing found" in clean.out

    answer = tool("data", "certify", locked, *GRID, "--strict")
    assert answer.code == 1
    assert "STALE_LEVEL" in answer.out
    assert (
        f"data clean {locked} --tick-size 0.1 --lot-size 0.001 --fix LOCKED,STALE_LEVEL --out DIR"
        in answer.out
    )
    assert tool("data", "certify", locked, *GRID).code == 0
    assert tool("data", "certify", locked, *GRID, "--json").json["verdict"] == "warnings"


def test_clean_repairs_what_it_is_told_and_the_next_step_works(
    tool: Command, locked: Path, tmp_path: Path
) -> None:
    answer = tool("data", "clean", locked, *GRID, "--fix", "locked,STALE_LEVEL", "--out", tmp_path / "out")

    assert answer.code == 0, answer.err
    made = tmp_path / "out" / "locked.npy"
    assert verdict_of(made)["verdict"] == "clean"
    manifest = json.loads(made.with_suffix(".json").read_bytes())
    assert manifest["fixes"][0]["parent_sha256"] == file_sha256(locked)
    assert manifest["fixes"][0] | {"parent_sha256": ""} == {
        "code": "LOCKED",
        "count": 1,
        "rows_before": 421,
        "rows_after": 422,
        "parent_sha256": "",
    }
    (step,) = [line for line in answer.out.splitlines() if line.startswith("next: ")]
    assert tool(*step.removeprefix("next: trading-platform ").split()).code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fix", "SEQUENCE_GAP"), ("SEQUENCE_GAP cannot be repaired", "fetch it")),
        (("--fix", "NOPE"), ("--fix must be of", "was NOPE")),
        (("--fix", ","), ("--fix must name at least one",)),
        (("--fix", "LOCKED", "--out", "."), ("--out must be another directory",)),
        (("--fix", "LOCKED", "--tick-size", "x"), ("--tick-size must be a decimal number",)),
    ],
)
def test_a_repair_that_cannot_be_done_writes_nothing(
    tool: Command,
    locked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    answer = tool("data", "clean", locked, *GRID, "--out", "out", *options)

    assert answer.code == 2
    assert all(word in answer.err for word in words), answer.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_clean_keeps_another_file_unless_told(tool: Command, locked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "locked.npy").write_bytes(b"mine")
    kept = tool("data", "clean", locked, *GRID, "--fix", "LOCKED", "--out", out)
    assert kept.code == 2
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("locked.npy", b"mine")]
    assert tool("data", "clean", locked, *GRID, "--fix", "LOCKED", "--out", out, "--overwrite").code == 0


def test_a_directory_is_certified_stream_by_stream_in_the_order_of_receipt(
    tool: Command, tmp_path: Path
) -> None:
    """A catalogue holds several instruments, recorders number their files, and a killed conversion leaves its work."""
    rows = healthy()
    day = tmp_path / "venue" / "BTC" / "2024-08-08"
    save_events(day / "part10.npy", rows[150:].copy())
    save_events(day / "part9.npy", rows[:150].copy())
    save_events(tmp_path / "venue" / "ETH" / "2024-08-08" / "part1.npy", rows)
    save_events(tmp_path / ".convert-1" / "half.npy", rows[:1].copy())
    answer = tool("data", "certify", tmp_path, *GRID, "--strict", "--json")

    assert answer.code == 0
    found = [(Path(one["path"]).parts[-3:], one["certificate"]["follows"]) for one in answer.json["files"]]
    assert [place for place, _ in found] == [
        ("BTC", "2024-08-08", "part9.certificate.json"),
        ("BTC", "2024-08-08", "part10.certificate.json"),
        ("ETH", "2024-08-08", "part1.certificate.json"),
    ]
    assert [follows and follows["file"] for _, follows in found] == [None, "part9.npy", None]
    refused = tool("data", "clean", tmp_path, *GRID, "--fix", "LOCKED", "--out", tmp_path / "out")
    assert refused.code == 2
    assert "PATH must be one stream, was 2" in refused.err
