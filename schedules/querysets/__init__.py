"""Questions and single-statement changes, one file per table. Filters are adjectives that chain."""
