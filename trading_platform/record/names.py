"""Names of the files of a run directory. Imports nothing: the command line needs them before all else."""

from typing import Final

CONFIG_FILE: Final = "config.json"  # written first: what a killed run was, and `run --config` runs it again
LOG_FILE: Final = "events.bin"
RUN_FILE: Final = "run.json"  # written last: without it a run is unfinished
SUMMARY_FILE: Final = "summary.json"
STATS_FILE: Final = "stats.npz"
AUDIT_FILE: Final = "audit.bin"
NOTES_FILE: Final = "notes.json"  # tags and note of a user, who may change them
