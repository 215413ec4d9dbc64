"""The machinery that runs the pages: what it hides is what differs from run to run, and nothing more."""

from pathlib import Path

import pytest

from scripts.docs.blocks import blocks
from scripts.docs.sessions import Session, console_commands, mask, not_executed, with_outputs


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("wrote runs/local-20261121T044640Z (events.bin)", "wrote runs/local-<start> (events.bin)"),
        ("started  2026-11-21T04:46:40Z", "started <time>"),
        ("303,616 rows in 7.32 s (10,192 a second)", "303,616 rows in <seconds> (<rate>)"),
        ("small  2026-11-21 05:26  done  2,796  50.26    6.92", "small <time> done 2,796 50.26 <seconds>"),
        ("small  2026-11-21 05:26  done  50.26    6.92  tag", "small <time> done 50.26 <seconds> tag"),
        ("2024-08-01T00:00:00 to 2024-08-01T00:12:30 UTC", "2024-08-01T00:00:00 to 2024-08-01T00:12:30 UTC"),
        ("net profit    -2.09435 USDC (fees 0)", "net profit -2.09435 USDC (fees 0)"),
        ("acknowledged after 20.0 ms", "acknowledged after 20.0 ms"),
        ("now_ns=1722470401576000000 SENT", "now_ns=1722470401576000000 SENT"),
        ("net profit  123456789012 USDC", "net profit 123456789012 USDC"),
        ("same: 81dfd32c6f78f817682bf091ce6c229a", "same: <hash>"),
    ],
)
def test_only_the_clock_is_hidden(line: str, hidden: str) -> None:
    """Times of the market, money and counts must be compared: they are what a change of the code changes."""
    assert mask(line) == hidden


def test_a_command_goes_on_after_a_backslash(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ one \\\n    two\nout\n$ three\n```\n")
    (block,) = blocks(page)
    assert list(console_commands(block)) == [("one \\\n    two", ["out"]), ("three", [])]


def test_an_unexpected_exit_code_is_a_failure_and_an_expected_one_is_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ exit 3\n$ exit 3  # exit code 3\n$ exit 0  # exit code 3\n```\n")
    held = Session(tmp_path)
    held.run_page(page)
    assert [(one.exit_code, one.wanted_exit) for one in held.ran] == [(3, 0), (3, 3), (0, 3)]
    assert len(held.failures) == 2


def test_a_run_is_executed_again_after_a_page_wrote_a_file(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    run = "```bash\ntrading-platform run --help >> ran.txt\n```\n"
    page.write_text(f'{run}{run}```python title="new.py"\n1\n```\n{run}')
    held = Session(tmp_path)
    held.run_page(page)
    assert held.failures == []
    assert (tmp_path / "ran.txt").read_text().count("Usage") == 2


def test_outputs_are_written_where_the_page_shows_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n```console\n$ echo now\nold\nolder\n```\nafter\n")
    held = Session(tmp_path)
    held.run_page(page)
    assert with_outputs(page, held.ran) == "before\n```console\n$ echo now\nnow\n```\nafter\n"


def test_a_python_block_that_raises_names_its_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nvalue = 1\n```\n\n```python\nassert value == 2\n```\n")
    with pytest.raises(AssertionError) as error:
        Session(tmp_path).run_page(page)
    assert error.value.__notes__ == ["in the python block at page.md:6"]


def test_an_exception_matches_whole_commands_only() -> None:
    """Otherwise anything behind a listed command would go unexecuted too."""
    assert not_executed("bash scripts/test.sh")
    assert not not_executed("bash scripts/test.sh.py && trading-platform runs ls")
