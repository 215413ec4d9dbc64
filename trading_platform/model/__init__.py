"""Vocabulary: enums, units, record dtypes, instruments, ids, errors. Imports nothing of this package."""
