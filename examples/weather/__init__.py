"""A year of an airport's weather: read, validated, summarised and reported by a workflow of seven states."""
