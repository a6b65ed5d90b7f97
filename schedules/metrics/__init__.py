"""Figures for Prometheus, all from rows: right with any number of processes, and after restarts.

What only grows is counted from the runs that ended since the last look (`tally`), because
retention deletes rows and a counter must never fall. How things stand is asked when somebody looks
(`standing`). `page` writes both in Prometheus' words.
"""
