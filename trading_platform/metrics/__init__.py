"""Pure functions over arrays of numbers: performance and execution quality. Imports numpy and model only."""
