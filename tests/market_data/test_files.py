"""Event files are whole or refused, and never lost."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from trading_platform.data import files
from trading_platform.data.files import file_sha256, load_events, save_events
from trading_platform.model.errors import DataError

from .builders import small_market


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_rows_come_back_as_saved(tmp_path: Path, suffix: str) -> None:
    rows = small_market()
    save_events(tmp_path / f"a{suffix}", rows)

    loaded = load_events(tmp_path / f"a{suffix}")

    assert loaded.tobytes() == rows.tobytes()
    assert loaded.dtype == rows.dtype
    assert loaded.flags.c_contiguous


def test_npy_is_mapped_read_only(tmp_path: Path) -> None:
    save_events(tmp_path / "a.npy", small_market())

    loaded = load_events(tmp_path / "a.npy")

    assert isinstance(loaded, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded["px"] = 1.0


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_same_rows_give_the_same_bytes(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_events(tmp_path / f"a{suffix}", small_market())
    monkeypatch.setattr("time.time", lambda: 2e9)  # another day
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    save_events(tmp_path / f"b{suffix}", small_market())

    assert file_sha256(tmp_path / f"a{suffix}") == file_sha256(tmp_path / f"b{suffix}")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save_events(path, small_market(100))
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(DataError, match="truncated or damaged"):
        load_events(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for content in (b"", b"no event file at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=str(path)):
            load_events(path)


def test_damaged_content_of_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_events(path, small_market(100))
    content = bytearray(path.read_bytes())
    content[90:130] = bytes(40)
    path.write_bytes(content)

    with pytest.raises(DataError, match="truncated or damaged"):
        load_events(path)


def test_missing_file_directory_and_other_suffix_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(DataError, match="was absent"):
        load_events(tmp_path / "a.npy")
    with pytest.raises(DataError, match="was a directory"):
        load_events(tmp_path / "folder.npy")
    with pytest.raises(DataError, match=r"suffix must be .npy or .npz, was '.gz'"):
        load_events(tmp_path / "a.gz")


def test_other_dtype_shape_key_and_no_rows_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "dtype.npy", np.zeros(3))
    np.save(tmp_path / "shape.npy", small_market(6).reshape(2, 3))
    np.save(tmp_path / "empty.npy", small_market(0))
    np.savez(tmp_path / "key.npz", rows=small_market())
    for name, rule in (
        ("dtype.npy", "dtype must be hftbacktest's event_dtype"),
        ("shape.npy", "one-dimensional"),
        ("empty.npy", "at least one row"),
        ("key.npz", "array named 'data'"),
    ):
        with pytest.raises(DataError, match=rule):
            load_events(tmp_path / name)


def test_existing_file_is_kept_unless_it_is_the_same_or_overwriting_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save_events(path, small_market(3))
    save_events(path, small_market(3))  # the same: no error
    before = path.read_bytes()

    with pytest.raises(DataError, match="exists with other content and was kept"):
        save_events(path, small_market(4))
    assert path.read_bytes() == before

    save_events(path, small_market(4), overwrite=True)
    assert len(load_events(path)) == 4
    assert [item.name for item in tmp_path.iterdir()] == ["a.npy"]


def test_an_error_while_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    with pytest.raises(DataError, match=r"cannot be written \(disk full\)"):
        files.write_atomically(tmp_path / "a.npy", broken)

    assert list(tmp_path.iterdir()) == []


def test_publishing_several_files_moves_all_or_none(tmp_path: Path) -> None:
    for name, text in (("new1", "1"), ("new2", "2"), ("b", "other")):
        (tmp_path / name).write_text(text)

    with pytest.raises(DataError, match="other content"):
        files.publish_all([(tmp_path / "new1", tmp_path / "a"), (tmp_path / "new2", tmp_path / "b")])

    assert not (tmp_path / "a").exists()
    assert (tmp_path / "b").read_text() == "other"


def test_rows_of_another_dtype_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one-dimensional of event_dtype"):
        save_events(tmp_path / "a.npy", np.zeros(3))  # type: ignore[arg-type]


def test_hash_of_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a readable file"):
        file_sha256(tmp_path / "absent")


@contextmanager
def files_of_at_most(count: int) -> Iterator[None]:
    """Let the system refuse to write further than that, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_disk_without_room_keeps_what_was_there_and_names_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save_events(path, small_market(3))
    before = path.read_bytes()

    with (
        files_of_at_most(200),
        pytest.raises(DataError, match=rf"a{suffix}: cannot be written .*: free space"),
    ):
        save_events(path, small_market(3000), overwrite=True)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(path.name, before)]


def test_of_several_files_none_moves_if_one_cannot(tmp_path: Path) -> None:
    pairs = [(tmp_path / f"{name}.new", tmp_path / name) for name in ("a", "b")]
    for new, _ in pairs:
        new.write_bytes(b"new")
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").mkdir()

    with pytest.raises(DataError, match=r"b: must be a file that can be made or replaced, was a directory"):
        files.publish_all(pairs, overwrite=True)
    assert (tmp_path / "a").read_bytes() == b"old"
