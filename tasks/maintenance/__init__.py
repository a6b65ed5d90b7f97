"""Keeping the system itself in order: commands, a watch over the jobs, old rows."""
