"""The same small job in our engine and in those of other projects, beside the loop that somebody writes who has none."""
