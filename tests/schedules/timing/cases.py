"""The tables of tests/data/cases, and the zones the property tests draw from."""

import csv
from datetime import UTC, datetime
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "data" / "cases"

ZONES = (
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jakarta",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Dublin",
    "Europe/Riga",
    "Europe/Volgograd",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
)
"""Clocks that move by half an hour, two hours, a day; at midnight, backwards in summer, never."""


def table(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def instants(row: dict[str, str], *columns: str) -> list[datetime]:
    return [datetime.fromisoformat(row[column]).astimezone(UTC) for column in columns]
