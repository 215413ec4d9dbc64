"""The loops around core and venue: one kernel advances to the next wakeup, for both forms of strategies."""
