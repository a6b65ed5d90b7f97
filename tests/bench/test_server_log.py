"""A statement's time is what the server needed for it, with its planning."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.server_log import durations_between

LOG = """\
2026-11-26 16:40:40.000 UTC [7] LOG:  duration: 9.000 ms  statement: SELECT 1
2026-11-26 16:40:47.720 UTC [7] LOG:  duration: 0.100 ms  bind _pg3_1:\x20
\tSELECT 2,
\t    3
2026-11-26 16:40:47.720 UTC [8] LOG:  duration: 0.500 ms  statement: SELECT 1
2026-11-26 16:40:47.721 UTC [7] LOG:  duration: 0.025 ms  execute _pg3_1:\x20
\tSELECT 2,
\t    3
2026-11-26 16:40:48.000 UTC [8] LOG:  checkpoint starting
2026-11-26 16:40:49.000 UTC [8] LOG:  duration: 0.250 ms  statement: SELECT 1
2026-11-26 16:40:49.600 UTC [8] LOG:  duration: 7.000 ms  statement: SELECT 1
"""


def test_what_a_statement_took_is_its_planning_and_its_execution(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    server: Any = SimpleNamespace(scratch=tmp_path)
    begin = datetime(2026, 11, 26, 16, 40, 45, tzinfo=UTC).timestamp()

    took = durations_between(server, begin, begin + 4.5)

    assert took == {"SELECT 2, 3": [0.125], "SELECT 1": [0.5, 0.25]}
