"""A model of the protocol, small enough to try every order of events with faults at every step.

It is about one job (`max_instances` 1, overlap `skip`) with a few occurrences, several Beats and
workers, a broker, and an operator. `protocol` says what each of them may do next, `search` goes
through every order, `__main__` does so with more faults than a test has time for:

    ./run python -m tests.promises.model --faults 3

Every action of the model is a function of the code, and `CODE` in `protocol` names it. Two tests
hold them together: each function takes a real row in each state to where the model takes it, and
walks through the model are repeated step by step on a real database.

Time is not in the model. What the code decides by it (a lease that ran out, a pause after which a
run is sent again, a misfire grace) may happen in any order here. Where time keeps something from
happening in the code, it costs a fault here.
"""
