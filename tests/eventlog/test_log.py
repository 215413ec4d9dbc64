"""A log on disk: never overwritten, readable after a crash, provably the one that was written."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from trading_platform.eventlog.digest import CHECKPOINT_EVENTS, LogDigest, digest_events
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.eventlog.reader import open_log, verify_log
from trading_platform.eventlog.schema import EventArray
from trading_platform.eventlog.writer import EventLogWriter
from trading_platform.model.enums import EventKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT, EVENT_BYTES, NO_SLOT

from .builders import every_kind, long_life


def timers(count: int) -> EventArray:
    """A long log that is quick to make."""
    events = np.zeros(count, EVENT)
    events["seq"] = np.arange(1, count + 1)
    events["now_ns"] = np.arange(count) // 3
    events["kind"], events["slot"], events["a"] = EventKind.TIMER, NO_SLOT, np.arange(count) % 7
    return events


def written(path: Path, events: EventArray, block_events: int = 8192) -> Path:
    with EventLogWriter(path) as writer:
        for start in range(0, len(events), block_events):
            writer.append(events[start : start + block_events])
    return path


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    events = every_kind().events()
    view = open_log(written(tmp_path / "events.bin", events, 7))
    assert view.events.tobytes() == events.tobytes()
    assert view.torn_bytes == 0
    with pytest.raises(ValueError, match="read-only"):
        view.events["seq"][0] = 5


def test_an_existing_log_is_never_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "events.bin", every_kind().events())
    before = path.read_bytes()
    with pytest.raises(EventLogError, match="must not exist"):
        EventLogWriter(path)
    assert path.read_bytes() == before


def test_a_bad_block_is_not_written_and_the_log_goes_on(tmp_path: Path) -> None:
    events = every_kind().events()
    bad = events[10:].copy()
    bad[3]["status_to"] = 9
    with EventLogWriter(tmp_path / "events.bin") as writer:
        writer.append(events[:10])
        with pytest.raises(EventLogError, match="nothing of this block was written"):
            writer.append(bad)
        writer.append(events[10:])
        summary = writer.close()
    assert summary == digest_events(events)
    assert open_log(tmp_path / "events.bin").events.tobytes() == events.tobytes()


def test_a_closed_log_refuses_more(tmp_path: Path) -> None:
    writer = EventLogWriter(tmp_path / "events.bin")
    first = writer.close()
    assert writer.close() == first
    with pytest.raises(EventLogError, match="the log is closed"):
        writer.append(every_kind().events())
    with pytest.raises(EventLogError, match="cannot sync: the log is closed"):
        writer.sync()


def test_digest_is_the_blake3_of_the_record_bytes(tmp_path: Path) -> None:
    events = every_kind().events()
    assert digest_events(events).digest == blake3(events.tobytes()).hexdigest()


def test_digest_and_checkpoints_do_not_depend_on_block_sizes() -> None:
    events = timers(2 * CHECKPOINT_EVENTS + 1234)
    whole = digest_events(events)
    seed = 7
    print(f"seed {seed}")
    digest, start, random = LogDigest(), 0, np.random.default_rng(seed)
    while start < len(events):
        size = int(random.integers(1, 30_000))
        digest.update(events[start : start + size])
        start += size
    assert digest.summary() == whole
    assert whole.checkpoints == tuple(
        blake3(events[: k * CHECKPOINT_EVENTS].tobytes()).hexdigest() for k in (1, 2)
    )


def test_a_disk_that_fills_up_keeps_whole_records_and_their_digest(tmp_path: Path) -> None:
    """A real limit on the file's size: the kernel writes a part of the block, then refuses."""
    events = long_life(30).events()
    path = tmp_path / "events.bin"
    writer = EventLogWriter(path)
    writer.append(events[:20])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HEADER_BYTES + 33 * EVENT_BYTES + 50, hard))
    try:
        with pytest.raises(EventLogError, match=r"after seq=33.*13 of .* records of the block were kept"):
            writer.append(events[20:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(EventLogError, match="cannot append: the disk refused"):
        writer.append(events[33:])
    summary = writer.close()
    assert summary == digest_events(events[:33])
    assert verify_log(path, summary.digest, summary.checkpoints) == summary
    assert open_log(path).torn_bytes == 0


def test_a_killed_process_leaves_a_readable_log(tmp_path: Path) -> None:
    path = tmp_path / "events.bin"
    blocks = tmp_path / "blocks.npy"
    events = every_kind().events()
    np.save(blocks, events)
    code = (
        "import os, signal, sys, numpy as np; from pathlib import Path\n"
        "from trading_platform.eventlog.writer import EventLogWriter\n"
        "writer = EventLogWriter(Path(sys.argv[1])); events = np.load(sys.argv[2])\n"
        "writer.append(events[:9]); writer.append(events[9:25])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.run([sys.executable, "-c", code, path, blocks], check=False)
    assert process.returncode == -signal.SIGKILL
    assert open_log(path).events.tobytes() == events[:25].tobytes()


@pytest.mark.parametrize("extra", [1, 127])
def test_a_torn_record_is_reported_and_the_rest_is_read(tmp_path: Path, extra: int) -> None:
    events = every_kind().events()
    path = written(tmp_path / "events.bin", events)
    os.truncate(path, HEADER_BYTES + 12 * EVENT_BYTES + extra)
    view = open_log(path)
    assert (len(view.events), view.torn_bytes) == (12, extra)
    summary = digest_events(events[:12])
    with pytest.raises(EventLogError, match=f"followed by {extra} bytes"):
        verify_log(path, summary.digest, summary.checkpoints)


def test_an_empty_log_is_a_log(tmp_path: Path) -> None:
    with EventLogWriter(tmp_path / "events.bin") as writer:
        writer.append(np.empty(0, EVENT))
        writer.sync()
        summary = writer.close()
    assert len(open_log(tmp_path / "events.bin").events) == 0
    assert verify_log(tmp_path / "events.bin", summary.digest, ()) == summary


@pytest.mark.parametrize(
    ("offset", "data", "words"),
    [
        (0, b"PK", "not an event log"),
        (8, b"\x02", "format version must be 1, was 2"),
        (12, b"\x60", "was 96 bytes"),
        (16, b"\x00\x01", "records must have the fields"),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, offset: int, data: bytes, words: str) -> None:
    path = written(tmp_path / "events.bin", every_kind().events())
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    with pytest.raises(EventLogError, match=words):
        open_log(path)


def test_a_short_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.bin").write_bytes(b"TPEVENTS")
    with pytest.raises(EventLogError, match="128 byte header, was 8 bytes"):
        open_log(tmp_path / "short.bin")
    with pytest.raises(EventLogError, match="No such file"):
        open_log(tmp_path / "none.bin")


@pytest.mark.parametrize("changed", [5, CHECKPOINT_EVENTS + 5, 2 * CHECKPOINT_EVENTS + 5])
def test_verify_names_the_range_in_which_a_log_was_changed(tmp_path: Path, changed: int) -> None:
    events = timers(2 * CHECKPOINT_EVENTS + 100)
    path = written(tmp_path / "events.bin", events, 50_000)
    summary = digest_events(events)
    assert verify_log(path, summary.digest, summary.checkpoints) == summary
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES + changed * EVENT_BYTES + 90)
        file.write(b"\x01")
    first = changed // CHECKPOINT_EVENTS * CHECKPOINT_EVENTS
    last = min(first + CHECKPOINT_EVENTS, len(events))
    with pytest.raises(EventLogError, match=f"in seq {first + 1} to {last}"):
        verify_log(path, summary.digest, summary.checkpoints)


def test_verify_notices_missing_records(tmp_path: Path) -> None:
    events = timers(CHECKPOINT_EVENTS + 100)
    path = written(tmp_path / "events.bin", events)
    summary = digest_events(events)
    os.truncate(path, HEADER_BYTES + (CHECKPOINT_EVENTS + 40) * EVENT_BYTES)
    with pytest.raises(EventLogError, match="records are missing at the end"):
        verify_log(path, summary.digest, summary.checkpoints)
    os.truncate(path, HEADER_BYTES + 40 * EVENT_BYTES)
    with pytest.raises(EventLogError, match="must have 1 checkpoints"):
        verify_log(path, summary.digest, summary.checkpoints)
