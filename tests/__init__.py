"""The tests; they mirror the tree, and `python -m tests` runs all of them."""
