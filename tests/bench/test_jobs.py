"""The job benchmarks write what they say; how long that takes is theirs to tell."""

from typing import Any

import pytest

from bench.jobs import NAMES, measure

pytestmark = pytest.mark.django_db(transaction=True)

SCALES = {"attendance": 0.0021, "sessions": 0.0021, "punches": 0.0004, "meetings": 0.0021}
EXPECTED = {"attendance": 210, "sessions": 630, "punches": 200, "meetings": 210}


@pytest.mark.parametrize("name", NAMES)
def test_a_load_is_written_once_and_reported(name: str, settings: Any) -> None:
    settings.SESSION_LOOKAHEAD_DAYS = 7  # put back afterwards

    report = measure(name, SCALES[name])

    assert report["rows"] == EXPECTED[name], report["message"]
    assert report["second_statements"] < report["first_statements"]
    assert report["longest_transaction_ms"] > 0
