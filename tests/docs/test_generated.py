"""What is made from the code is what the code says now."""

import re
from pathlib import Path

import pytest

from scripts.docs.generate import REPOSITORY, documents
from scripts.docs.layers import contract
from trading_platform.core.order_fsm import PENDING_RULES, TRANSITIONS
from trading_platform.model.enums import DenyCode

DOCUMENTS = documents()
DENY_ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path], "run: python -m scripts.docs.generate"


def test_status_diagram_has_every_transition_of_the_table() -> None:
    """The diagram groups events by edge: unfolded again it must be the table, no more and no less."""
    text = (REPOSITORY / "docs" / "generated" / "order_status.md").read_text(encoding="utf-8")
    drawn = {
        (source, event, target)
        for source, target, events in re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.MULTILINE)
        for event in events.split(", ")
    }
    assert drawn == {
        (status.name, event.name, after.name)
        for status, row in TRANSITIONS.items()
        for event, after in row.items()
    }


def test_pending_table_names_every_report() -> None:
    text = (REPOSITORY / "docs" / "generated" / "order_pending.md").read_text(encoding="utf-8")
    assert DENY_ROW.findall(text) == [report.name for report in PENDING_RULES]


def test_every_deny_code_is_explained_in_the_order_of_the_codes() -> None:
    text = (REPOSITORY / "docs" / "reference" / "deny_codes.md").read_text(encoding="utf-8")
    assert DENY_ROW.findall(text) == [code.name for code in DenyCode if code]


def test_the_layers_are_those_of_the_package() -> None:
    """The contract is exhaustive: a package that is not in the picture would not be checked either."""
    package = REPOSITORY / "trading_platform"
    parts = {
        path.stem for path in package.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"
    }
    assert {name for layer in contract(REPOSITORY) for name in layer} == parts - {"__init__"}
