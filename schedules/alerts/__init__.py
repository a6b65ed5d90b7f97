"""Being told: rules about runs and about the scheduler, channels, and what was delivered.

`decide` says whether the end of a run is worth telling, `watch` looks at conditions that no run can
report, `book` gathers alerts into deliveries, and `jobs` sends them. Operators act through the
verbs of `channels` and `rules`.
"""
