"""What cano costs beside what a user would otherwise write, in one run on one core; ``make bench`` prints the table."""
