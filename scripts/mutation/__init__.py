"""Mutation testing of the core: does a test fail when the code is wrong? See docs/mutation.md."""
