"""The books: what should have happened against what the rows say, and why one instant went as it
did.

Expected is what the timetable versions in force say, computed anew; nothing here trusts the
planner.
"""

from schedules.ledger.expected import (
    VersionInForce,
    expected_occurrences,
    occurrences_ever,
    versions_of,
)
from schedules.ledger.explain import Explanation, explain
from schedules.ledger.verify import Balance, verify, verify_job

__all__ = [
    "Balance",
    "Explanation",
    "VersionInForce",
    "expected_occurrences",
    "explain",
    "occurrences_ever",
    "verify",
    "verify_job",
    "versions_of",
]
