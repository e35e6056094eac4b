"""Programs that show what cano does; each runs by ``python -m examples.NAME`` from the project's root."""
