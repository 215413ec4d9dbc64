"""Writing a strategy: templates to start from, the list of what there is, and a check that finds what is wrong."""
