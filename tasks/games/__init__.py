"""Recurring games and the sessions that come of them."""
