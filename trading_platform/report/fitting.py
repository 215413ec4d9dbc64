"""Tables in windows that are too narrow for them: whole columns go, never half a price."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

FOLDED_CELLS: Final = 24  # least width of a column whose texts may go over several lines
GAP_CELLS: Final = 2


def plain_table(*columns: str, left: Sequence[str] = (), folded: Sequence[str] = ()) -> "Table":
    """Return an empty table without lines. Columns are aligned to the right unless they are ``left`` or ``folded``."""
    from rich.table import Table

    table = Table(box=None, padding=(0, GAP_CELLS, 0, 0), header_style="bold")
    for name in columns:
        right = name not in left and name not in folded
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=name not in folded,
            overflow="fold",
        )
    return table


def print_fitting(table: "Table", console: "Console", spare: Sequence[str]) -> None:
    """Print a table; in a window, columns named in ``spare`` are left out, in that order, until it fits."""
    widths = {str(column.header): _width(column) for column in table.columns}
    left_out = []
    for name in spare if console.is_terminal else ():
        if sum(widths.values()) + GAP_CELLS * (len(widths) - 1) <= console.width:
            break
        del widths[name]
        left_out.append(name)
    table.columns[:] = [column for column in table.columns if str(column.header) in widths]
    for column in table.columns:
        column.min_width = widths[str(column.header)]
    console.print(table)
    if left_out:
        console.print(f"(left out, the window is too narrow: {', '.join(left_out)})")


def _width(column: "Column") -> int:
    """Return how many cells a column needs."""
    from rich.cells import cell_len

    needed = max(cell_len(text) for text in (str(column.header), *(str(cell) for cell in column.cells)))
    return needed if column.no_wrap else min(FOLDED_CELLS, needed)
