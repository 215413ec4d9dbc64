"""The site builds without a warning, and everything that a page points to is there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scripts.docs.blocks import LANGUAGES, blocks
from scripts.docs.generate import REPOSITORY

PAGES: Final = sorted((REPOSITORY / "docs").rglob("*.md"))
ALL: Final = [*PAGES, REPOSITORY / "README.md", REPOSITORY / "examples" / "README.md"]
LINK: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE: Final = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
# code that names a file of the project: it must be there
NAMED: Final = re.compile(r"`((?:trading_platform|tests|examples|scripts|docs)/[\w./-]*[\w/])`")


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site; mkdocs runs as in CI: strictly."""
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # the theme's advertisement is no warning of ours
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return directory


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        assert (site / page.relative_to(REPOSITORY / "docs").with_suffix(".html")).is_file()


def test_the_public_interface_is_documented(site: Path) -> None:
    """mkdocstrings leaves out what it cannot find in its filters: these are what readers look for."""
    html = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in (
        "strategies.base.Strategy.on_wakeup",
        "strategies.view.View.quote",
        "strategies.compiled.compiled_strategy",
        "core.intents.quote",
        "config.load.load_config",
        "backtest.engine.run_backtest",
        "eventlog.reader.open_log",
    ):
        assert f'id="trading_platform.{name}"' in html, name


def test_nothing_but_the_diagrams_is_loaded_from_elsewhere(site: Path) -> None:
    """No fonts, no analytics. (The theme loads the program that draws diagrams when a page has one.)"""
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)"|<link[^>]+href="(https?:[^"]+)"[^>]+stylesheet'
    )
    for page in site.rglob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page


@pytest.mark.parametrize("page", ALL, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{named(page)}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{named(page)}: {target}"
        if page in PAGES and path:
            assert found.is_relative_to(REPOSITORY / "docs"), (
                f"{named(page)}: {target} is no page of the site"
            )


@pytest.mark.parametrize("page", ALL, ids=named)
def test_files_named_in_the_text_exist(page: Path) -> None:
    for name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert (REPOSITORY / name).exists(), f"{named(page)}: {name}"


@pytest.mark.parametrize("page", ALL, ids=named)
def test_blocks_say_what_they_are(page: Path) -> None:
    """An unmarked block is neither highlighted nor tested."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{named(page)}:{block.first}: {block.language!r}"


def links(page: Path) -> Iterator[str]:
    """Yield the targets of the links of a page that stay in the project."""
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL), re.M
    )
    return {
        re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).strip().replace(" ", "-")
        for heading in headings
    }
