"""Market data: event files, validation, conversion of recorded streams, synthetic order flow."""
