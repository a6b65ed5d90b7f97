"""The committed TypeScript types: current, and usable where the clients' own types are."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from schedules.api.site import api
from schedules.api.typescript import write_types

FILE = Path(__file__).resolve().parents[3] / "schedules" / "api" / "scheduler.ts"

CLIENT = """\
import * as ours from './scheduler';

interface ScheduledJob {
  id: number; taskFunctionId: number; taskFunctionKey: string; jobTypeId: number;
  jobTypeName: string; nameEn?: string; nameAr?: string; descriptionEn?: string;
  descriptionAr?: string; cronExpression?: string; intervalSeconds?: number;
  intervalMinutes?: number; intervalHours?: number; intervalDays?: number; priority: number;
  maxInstances: number; misfireGraceTime: number; coalesce: boolean; isEnabled: boolean;
  isActive: boolean; isPrimary: boolean; lastRunAt?: string; nextRunAt?: string;
  createdAt: string; updatedAt?: string;
}
interface ScheduledJobExecution {
  id: number; jobId: number; executionId: string; scheduledAt: string; startedAt?: string;
  completedAt?: string; durationMs?: number; statusId: number; statusName: string;
  errorMessage?: string; resultSummary?: string; executorId: string; hostName: string;
}
type JobAction = 'enable' | 'disable' | 'trigger' | 'pause' | 'resume';
interface JobActionRequest { action: JobAction; }
interface JobActionResponse {
  success: boolean; message: string; executionId?: string; job: ScheduledJob;
}
interface SchedulerStatus {
  isRunning: boolean; mode: string; instanceId: string; activeInstances: number;
  totalJobs: number; enabledJobs: number; runningExecutions: number; lastHeartbeat: string;
}
export const job = (it: ours.ScheduledJob): ScheduledJob => it;
export const execution = (it: ours.ScheduledJobExecution): ScheduledJobExecution => it;
export const action = (it: JobAction): ours.JobAction => it;
export const request = (it: JobActionRequest): ours.JobActionRequest => it;
export const response = (it: ours.JobActionResponse): JobActionResponse => it;
export const status = (it: ours.SchedulerStatus): SchedulerStatus => it;
"""


def test_the_committed_types_are_what_the_document_says() -> None:
    document = json.loads(json.dumps(api.get_openapi_schema()))

    assert FILE.read_text(encoding="utf-8") == write_types(document), (
        "run `manage.py scheduler types --output schedules/api/scheduler.ts`"
    )


def test_the_clients_six_types_are_there() -> None:
    text = FILE.read_text(encoding="utf-8")

    for name in (
        "interface ScheduledJob ",
        "interface ScheduledJobExecution ",
        "type JobAction = 'enable' | 'disable' | 'trigger' | 'pause' | 'resume'",
        "interface JobActionRequest ",
        "interface JobActionResponse ",
        "interface SchedulerStatus ",
    ):
        assert f"export {name}" in text


@pytest.fixture(scope="session")
def tsc(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a TypeScript compiler: the machine's, or one that npm fetches for this run."""
    if found := shutil.which("tsc"):
        return found
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no TypeScript compiler and no npm on this machine")
    folder = tmp_path_factory.mktemp("typescript")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    done = subprocess.run(
        [*command, "typescript"], capture_output=True, check=False, text=True, timeout=100
    )
    if done.returncode:
        pytest.skip(f"npm could not fetch a TypeScript compiler: {done.stderr.strip()[-200:]}")
    return str(folder / "node_modules" / ".bin" / "tsc")


def compile_strictly(tsc: str, folder: Path, client: str) -> str:
    """Return what the compiler says of a client of our types; nothing if all is well."""
    (folder / "scheduler.ts").write_text(FILE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "client.ts").write_text(client, encoding="utf-8")
    done = subprocess.run(
        [tsc, "--strict", "--noEmit", "client.ts"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stdout


def test_the_types_stand_in_for_the_clients_own(tsc: str, tmp_path: Path) -> None:
    assert compile_strictly(tsc, tmp_path, CLIENT) == ""


def test_the_compiler_would_see_a_missing_field(tsc: str, tmp_path: Path) -> None:
    said = compile_strictly(tsc, tmp_path, CLIENT.replace("priority: number;", "rank: number;"))

    assert "rank" in said
