"""The cache of compiled code does not grow for ever: what nothing used for a month goes."""

import os
from pathlib import Path

import pytest

from trading_platform._jit import cache

NOW_SECONDS = 2_000_000_000.0
NAMES = ("kernels-0123456789abcdef", "package-0123456789abcdef", "strategy-0123456789abcdef")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "cache_root", lambda: tmp_path)
    return tmp_path


def directory(root: Path, name: str, age_days: float) -> Path:
    made = root / name
    made.mkdir()
    (made / "code.o").write_bytes(b"code")
    os.utime(made, (0, NOW_SECONDS - age_days * cache.SECONDS_PER_DAY))
    return made


def test_what_nothing_used_for_a_month_goes_and_the_rest_stays(root: Path) -> None:
    old = [directory(root, name, 31) for name in NAMES]
    young = directory(root, "kernels-fedcba9876543210", 29)

    assert sorted(cache.remove_unused(NOW_SECONDS)) == sorted(old)
    assert list(root.iterdir()) == [young]


def test_what_is_not_ours_stays_however_old(root: Path) -> None:
    other = directory(root, "notes", 400)

    assert cache.remove_unused(NOW_SECONDS) == []
    assert other.is_dir()


def test_use_keeps_a_directory(root: Path) -> None:
    old = directory(root, NAMES[0], 400)
    cache.mark_used(old / "code.o", NOW_SECONDS)

    assert cache.remove_unused(NOW_SECONDS) == []
    assert old.is_dir()
