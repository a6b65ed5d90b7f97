"""The JSON of what the scheduler says about itself, for CLI and API: books, findings, repairs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from schedules.ledger import Balance, Explanation
from schedules.operations.doctor import Recovery
from schedules.operations.findings import Finding
from schedules.operations.install import InstallReport
from schedules.operations.lifecycle import ShutDown, Started
from schedules.operations.listing import hosts_of
from schedules.operations.shapes import run_shape
from schedules.operations.wording import iso

KINDS = ("missing", "extra", "duplicate", "unfinished")
"""What can be wrong with an occurrence's row."""


def explanation_shape(answer: Explanation) -> dict[str, Any]:
    """Return what became of a job at an instant, and why."""
    row = answer.run
    return {
        "jobKey": answer.job_key,
        "at": iso(answer.at),
        "isOccurrence": answer.is_occurrence,
        "version": answer.version,
        "run": None if row is None else run_shape(row, hosts=hosts_of([row])),
        "sentences": answer.sentences,
    }


def books_shape(balances: Sequence[Balance], *, after: datetime, until: datetime) -> dict[str, Any]:
    """Return whether the ledger balances, as a whole and job by job."""
    return {
        "from": iso(after),
        "to": iso(until),
        "balances": all(balance.balances for balance in balances),
        "expected": sum(balance.expected for balance in balances),
        **{kind: sum(getattr(balance, kind) for balance in balances) for kind in KINDS},
        "items": [_balance_shape(balance) for balance in balances],
    }


def findings_shape(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what is wrong, the gravest first."""
    return {"items": [asdict(finding) for finding in findings]}


def install_shape(report: InstallReport) -> dict[str, Any]:
    """Return what an installation did, by the keys of jobs."""
    return asdict(report)


def recovery_shape(done: Recovery) -> dict[str, Any]:
    """Return what was put back."""
    jobs = done.jobs
    return {"triggers": done.triggers, "created": jobs.created, "updated": jobs.updated}


def started_shape(started: Started) -> dict[str, Any]:
    """Return what a start did."""
    return {
        "success": True,
        "message": "Scheduler started successfully",
        "wasPaused": started.was_paused,
        "isRunning": started.is_running,
        **recovery_shape(started.recovery),
    }


def shut_down_shape(shut_down: ShutDown) -> dict[str, Any]:
    """Return how far a shutdown is."""
    return {
        "success": True,
        "message": "Scheduler shut down successfully",
        "isDone": shut_down.is_done,
        "running": shut_down.running,
        "queued": shut_down.queued,
    }


def _balance_shape(balance: Balance) -> dict[str, Any]:
    return {
        "jobKey": balance.job_key,
        "balances": balance.balances,
        "expected": balance.expected,
        **{kind: getattr(balance, kind) for kind in KINDS},
        "examples": {
            kind: [iso(moment) for moment in moments] for kind, moments in balance.examples.items()
        },
    }
