"""The directory of runs: reading one, tags and notes, the index over all, and removing."""
