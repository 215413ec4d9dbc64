"""The event log: what a record may hold, and how logs are written, read, verified, exported and compared."""
