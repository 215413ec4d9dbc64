"""One finished run over a slice of the bundled market, shared by the tests that only look at it."""

from pathlib import Path

import numpy as np
import pytest
from oracle.builders import COMPILED, PARTS, Done, maker_config, run

from trading_platform.data.files import load_events, save_events

ROWS = 24_000


@pytest.fixture(scope="package")
def slice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first rows of the bundled market."""
    path = tmp_path_factory.mktemp("slice") / "slice.npz"
    save_events(path, np.ascontiguousarray(load_events(PARTS[0])[:ROWS]))
    return path


@pytest.fixture(scope="package")
def done(slice_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a run with fills, replaces, denials and samples."""
    config = maker_config(
        (slice_file,),
        COMPILED,
        strategy__params={"order_qty": "0.01", "levels": 3, "level_step": "0.5"},
        risk__position_limits__max_position="0.2",
        engine__exchange_model="partial_fill",
        output__stats_interval_seconds=1,
    )
    return run(config, tmp_path_factory.mktemp("done") / "run")
