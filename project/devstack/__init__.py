"""The whole system on one machine: the supervisor behind `./run up` and what tests start
privately.

`up` is the command, `stack` starts it as a child for tests and measurements, `supervisor` keeps
processes running, `guard` ends them when the supervisor was killed, `postgres` is a database
server for tests. The processes are shown to be gone afterwards by `tests/project/test_up.py`.
"""
