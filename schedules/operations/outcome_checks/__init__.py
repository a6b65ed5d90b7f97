"""Green but wrong is not green: what a run returned is held against its job's checks.

A run that succeeded keeps that outcome; if a check does not hold it is *suspect* besides, with the
reason on its row, the numbers in its verdict, and an alert. It is checked after its end, by a run
of its own that Beat plans for all that ended in the last few seconds: neither claim nor end of a
run know of it, and where no job has checks all it costs is one look at an empty index.
"""
