"""Equity and position of a run as a picture: plain SVG, the same bytes for the same run, for light and dark pages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

WIDTH: Final = 860
PANEL: Final = 130  # height of one curve
LEFT, TOP, GAP, RIGHT, BOTTOM = 64, 44, 40, 16, 26
POINTS_MAX: Final = 400
STYLE: Final = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#57606a}.h{font-size:14px;fill:#24292f}"
    ".g{stroke:#d0d7de;stroke-width:1}.e{fill:none;stroke:#0969da;stroke-width:1.5}"
    ".p{fill:none;stroke:#bc4c00;stroke-width:1.5}.l{stroke:#cf222e;stroke-width:1;stroke-dasharray:4 3}"
    "@media(prefers-color-scheme:dark){text{fill:#8b949e}.h{fill:#e6edf3}.g{stroke:#30363d}"
    ".e{stroke:#58a6ff}.p{stroke:#f0883e}.l{stroke:#ff7b72}}"
)


def draw_run(run: Path) -> str:
    """Return the picture of a finished run: equity above, position with its limit below, over the minutes."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    summary, limits = record["summary"], record["config"]["risk"]["position_limits"]
    samples = pl.read_parquet(run / "equity.parquet")
    step = -(-len(samples) // POINTS_MAX)
    samples = samples.gather_every(step)
    minutes = ((samples["time"] - samples["time"][0]).dt.total_microseconds() / 60e6).to_list()
    limit = float(limits["max_position"])
    parts = [
        _head(summary),
        _panel(0, f"equity [{summary['pnl']['currency']}]", "e", minutes, samples["equity"].to_list(), ()),
        _panel(1, "position and its limit", "p", minutes, samples["position"].to_list(), (limit, -limit)),
        _minutes(minutes[-1]),
    ]
    height = TOP + 2 * PANEL + GAP + BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Equity and position of the example run"><style>{STYLE}</style>\n'
        + "".join(parts)
        + "</svg>\n"
    )


def _head(summary: dict[str, dict[str, object]]) -> str:
    orders, fills, denied = summary["orders"], summary["fills"], summary["orders"]["denied"]
    assert isinstance(denied, dict)
    text = (
        f"{summary['instrument']}: {orders['sent']:,} orders, {fills['count']:,} fills, {denied['total']:,} denied, "
        "every event in the log"
    )
    return f'<text class="h" x="{LEFT}" y="20">{text}</text>\n'


def _panel(
    row: int,
    title: str,
    style: str,
    minutes: Sequence[float],
    values: Sequence[float],
    limits: Sequence[float],
) -> str:
    """Return one curve with its axis; ``limits`` are drawn as dashed lines."""
    top = TOP + row * (PANEL + GAP)
    low, high = min(*values, *limits, 0.0), max(*values, *limits, 0.0)
    span = (high - low) or 1.0

    def y(value: float) -> str:
        return f"{top + PANEL * (high - value) / span:.1f}"

    text = f'<text x="{LEFT}" y="{top - 6}">{title}</text>\n'
    for value in sorted({low, 0.0, high}):
        text += f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>'
        text += f'<text x="{LEFT - 6}" y="{float(y(value)) + 4:.1f}" text-anchor="end">{value:.4g}</text>\n'
    for value in limits:
        text += f'<line class="l" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>\n'
    points = " ".join(f"{_x(at, minutes[-1])},{y(value)}" for at, value in zip(minutes, values, strict=True))
    return text + f'<polyline class="{style}" points="{points}"/>\n'


def _minutes(last: float) -> str:
    y = TOP + 2 * PANEL + GAP + 18
    marks = range(0, int(last) + 1, max(1, int(last) // 6))
    return "".join(f'<text x="{_x(at, last)}" y="{y}" text-anchor="middle">{at} min</text>\n' for at in marks)


def _x(at: float, last: float) -> str:
    return f"{LEFT + (WIDTH - LEFT - RIGHT) * at / last:.1f}"
