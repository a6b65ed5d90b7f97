"""Meetings, and the one-off run that ends each of them on time."""
