"""The tests; they mirror the tree, and `python -m tests` runs all of them.

Where each promise is held (`promises` is tests/promises, `stack` tests/stack; the others lie beside
what they test). `python -m chaos` tries all of them at once on a whole system under faults.

P1   one row or range for each occurrence: promises/test_books_balance, dispatch/test_pauses
P2   every row ends: dispatch/test_plan, promises/test_crashes_of_the_engine
P3   one attempt after the other, one succeeds: promises/model, test_task
P4   effects exactly once, at most, at least: promises/test_crashes_of_the_engine, stack/test_kills
P5   never more than max_instances: test_overlap, promises/model
P6   lateness: stack/test_instances, chaos
P7   recovery without a person: stack/test_kills, stack/test_start, chaos
P8   nothing rests on the broker: stack/test_kills, stack/test_rabbitmq, test_host_clocks
P9   only the database's clock: promises/test_host_clocks
P10  clock changes: timing/test_cases, promises/test_clock_changes
P11  other zone data: dispatch/test_zone_data
P12  nothing starts after a stop; cancel: promises/test_races, test_overlap, test_dependencies
P13  one end for each meeting: tasks/meetings/test_recover_meetings
P14  an edit never fires the past: dispatch/test_edits, dispatch/test_pauses
P15  idempotent trigger: api/test_actions, promises/test_crashes_of_the_operators
P16  retention: test_retention, promises/test_crashes_of_the_operators
P17  poison runs: dispatch/test_plan, promises/test_crashes_of_the_engine
P18  a next run or a visible error: promises/test_visible_facts
P19  versions side by side, nothing lost: promises/test_visible_facts, test_second_tries,
     stack/test_shutdown
P20  an old database put back: test_second_tries
P21  instants in order: promises/test_visible_facts
P22  catch-up delays nobody else: promises/test_visible_facts
"""
