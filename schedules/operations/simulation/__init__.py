"""A timetable tried out on a virtual clock: what would run, what would not, and when it is busy.

What is due is decided by the planner's own `decide`, what happens to it without a free slot by the
claim's own `way_of`. Nothing is written.
"""
