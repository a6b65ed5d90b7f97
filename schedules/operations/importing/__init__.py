"""Jobs of other schedulers, made ours: read from where they are kept, converted, carried over.

`stores`, `pickles`, `apscheduler`, `beat_schedule` and `beat_database` read and convert; only
`carry` writes. What cannot be carried over is kept with its reason, one line for each job.
"""
