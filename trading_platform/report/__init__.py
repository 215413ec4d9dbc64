"""What a run comes to: tables, samples and a summary, all derived from its event log."""
