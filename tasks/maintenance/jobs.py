"""The jobs of the maintenance: configured commands, the watch over all jobs, the clean-up."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from schedules.public import (
    Cron,
    CurrentRun,
    SkipRun,
    clean_log,
    database_now,
    job,
)
from tasks.maintenance.arguments import CommandNames, Days, check_name
from tasks.maintenance.commands import Outcome, limit_of_all, run_command

log = logging.getLogger(__name__)


@job(
    Cron("* * * * *"),
    enabled=bool(settings.MANAGEMENT_COMMANDS),
    # The commands have limits of their own; the run's must not come before them.
    soft_time_limit=limit_of_all() + timedelta(minutes=1),
    time_limit=limit_of_all() + timedelta(minutes=2),
    name_en="Run management commands",
    name_ar="تشغيل أوامر الإدارة",
    name_id="Jalankan perintah manajemen",
    description_en="Runs the configured commands in order; a failing one does not stop the rest.",
    description_ar="يشغّل الأوامر المحددة بالترتيب، ولا يوقف فشل أحدها البقية.",
    description_id="Menjalankan perintah berurutan; yang gagal tidak menghentikan lainnya.",
)
def run_management_commands(
    names: CommandNames | None = None, *, run: CurrentRun
) -> dict[str, Any]:
    """Run the commands of `settings.MANAGEMENT_COMMANDS`, or those named, in their order.

    Returns `commands`, each with status, exit code, duration, output and error. When one fails the
    rest still run; then the run is failed and keeps the result. Skipped while none is configured.
    Raises InvalidInput for a name that is not configured.
    """
    chosen = list(settings.MANAGEMENT_COMMANDS) if names is None else list(map(check_name, names))
    if not chosen:
        raise SkipRun("MANAGEMENT_COMMANDS names no command")
    limit = timedelta(seconds=settings.MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS)
    ended = []
    for number, name in enumerate(chosen, start=1):
        run.say(f"$ {' '.join(settings.MANAGEMENT_COMMANDS[name])}")
        outcome = run_command(name, time_limit=limit, say=run.say)
        ended.append(outcome)
        run.progress(number, len(chosen))
        extra = {"action": "command_ended", "command": name, "status": outcome["status"]}
        log.info("command ended", extra=extra)
    bad = [each for each in ended if each["status"] != Outcome.SUCCEEDED]
    message = f"{len(ended) - len(bad)} of {len(ended)} commands succeeded"
    if bad:
        message += "; " + ", ".join(f"{each['name']} {each['status']}" for each in bad)
    return {"success": not bad, "message": f"{message}.", "commands": ended}


@job(
    Cron("*/5 * * * *"),
    idempotent=True,
    name_en="Monitor the jobs",
    name_ar="مراقبة المهام",
    name_id="Pantau pekerjaan",
    description_en="Checks that every declared job is there and due; restores what is missing.",
    description_ar="يتحقق من وجود كل مهمة معرّفة وموعدها، ويعيد المفقود منها.",
    description_id="Memeriksa bahwa setiap pekerjaan ada dan terjadwal; memulihkan yang hilang.",
)
def monitor_jobs() -> dict[str, Any]:
    """Check every declared job; repair what only a fault can have done, report the rest.

    What a person deleted, paused or disabled is reported and stays so, wherever it was done: over
    the API, on django-celery-beat's own page or by SQL. Returns `checked`, `repaired`, `problems`
    and `left_alone`; the run is failed while a problem remains.
    """
    from schedules.public import watch_jobs  # brings what mends an installation

    watch = watch_jobs(now=database_now())
    for line in watch.problems:
        log.error("job in trouble", extra={"action": "job_in_trouble", "problem": line})
    message = (
        f"{watch.checked} jobs checked, {len(watch.repaired)} repaired,"
        f" {len(watch.problems)} in trouble, {len(watch.left_alone)} left as a person set them."
    )
    return {
        "success": not watch.problems,
        "message": message,
        "checked": watch.checked,
        "repaired": watch.repaired,
        "problems": watch.problems,
        "left_alone": watch.left_alone,
    }


@job(
    Cron("0 2 1 * *"),
    kwargs={"retention_days": 90},
    misfire_grace=timedelta(days=7),
    idempotent=True,
    name_en="Clean the execution log",
    name_ar="تنظيف سجل التنفيذ",
    name_id="Bersihkan log eksekusi",
    description_en="Deletes finished runs and results that are older than their retention.",
    description_ar="يحذف عمليات التشغيل المنتهية ونتائجها التي تجاوزت مدة الاحتفاظ.",
    description_id="Menghapus eksekusi selesai beserta hasilnya yang melewati masa simpan.",
)
def clean_execution_log(
    retention_days: Days = 90, *, scheduled_at: datetime, run: CurrentRun
) -> dict[str, Any]:
    """Delete runs that had ended more than `retention_days` before `scheduled_at`, with results.

    A job's own retention comes first. Nothing unfinished goes, and nothing that planning may still
    come back to.
    """
    before = scheduled_at - timedelta(days=retention_days)
    deleted = 0
    for batch in clean_log(before=before, now=scheduled_at, fence=run.fenced):
        deleted += batch
        run.progress(deleted)
    run.progress(deleted, deleted)
    message = f"Cleaned up {deleted} execution records older than {retention_days} days"
    return {"success": True, "message": message, "deleted": deleted}
