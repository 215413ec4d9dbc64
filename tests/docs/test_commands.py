"""Every command and every Python block of the documentation does what the page says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scripts.docs.blocks import Block, blocks
from scripts.docs.picture import draw_run
from scripts.docs.sessions import (
    NOT_EXECUTED,
    PAGES,
    PICTURE,
    REPOSITORY,
    Session,
    console_commands,
    mask,
    picture_run,
    run_pages,
    session,
)

REWRITE: Final = "run: python -m scripts.docs.sessions"


@pytest.fixture(scope="module")
def done() -> Iterator[Session]:
    """Run all pages once, in one copy of the project."""
    with session() as held:
        run_pages(held)
        yield held


def test_every_command_ends_as_the_page_says(done: Session) -> None:
    assert not done.failures, "\n\n".join(done.failures)
    assert len(done.ran) > 20


@pytest.mark.parametrize("name", PAGES)
def test_outputs_on_the_page_are_what_the_commands_print(done: Session, name: str) -> None:
    """Times of the clock, hashes, speeds and the widths of tables are masked: see sessions.mask."""
    page = REPOSITORY / name
    printed = {(one.block.first, one.command): one.output for one in done.ran if one.block.page == page}
    for block in blocks(page):
        if block.language != "console":
            continue
        for command, shown in console_commands(block):
            if (block.first, command) in printed:
                wanted = [mask(line) for line in printed[block.first, command]]
                assert [mask(line) for line in shown] == wanted, f"{block.place}: `{command}`: {REWRITE}"


def test_the_picture_is_the_run_of_the_readme(done: Session) -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw_run(picture_run(done)), REWRITE


def test_every_page_with_something_to_execute_is_run() -> None:
    generated = {"cli.md", "config.md", "events.md", "run_record.md"}  # drift-tested: they hold no sessions
    for page in (REPOSITORY / "docs").rglob("*.md"):
        if (
            any(block.language in ("bash", "console", "python") for block in blocks(page))
            and page.name not in generated
        ):
            assert str(page.relative_to(REPOSITORY)) in PAGES


def test_every_file_that_a_page_shows_is_used_on_that_page() -> None:
    for name in PAGES:
        found = blocks(REPOSITORY / name)
        for position, block in enumerate(found):
            if block.title:
                assert used(Path(block.title).stem, found[position + 1 :]), f"{block.place}: {block.title}"


def test_every_exception_is_needed(done: Session) -> None:
    """A command that is not executed is listed with its reason; a pattern that matches nothing is out of date."""
    skipped = [command for command, _reason in done.skipped]
    for pattern in NOT_EXECUTED:
        assert any(re.fullmatch(pattern, command, re.DOTALL) for command in skipped), f"no page has {pattern}"


def used(stem: str, later: list[Block]) -> bool:
    """Tell whether a later command, module or config names a file."""
    return any(re.search(rf"\b{re.escape(stem)}\b", block.text) for block in later)
