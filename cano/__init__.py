"""A typed in-memory store at the price of a dict, and async workflows at the price of a loop."""
