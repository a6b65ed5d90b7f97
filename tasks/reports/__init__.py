"""Reports by mail: each at most once to each recipient."""
