"""What a run leaves in its directory: the names of the files, ``run.json`` and where a result comes from."""
