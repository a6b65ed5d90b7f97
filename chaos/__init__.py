"""The program behind `./run chaos`: a whole system under seeded faults, and an oracle that checks
what came of it.

Nothing of the product imports this package. `oracle`, `expected`, `books` and `workload`, which
judge, import nothing of the product either: they compute the occurrences themselves and read the
ledger by plain SQL, beside a file that the bodies write.
"""
