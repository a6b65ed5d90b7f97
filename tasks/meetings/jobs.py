"""The jobs of the meetings: end one, and find those that nobody would end."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from schedules.public import CurrentRun, Every, SkipRun, job
from tasks.meetings.models import Meeting
from tasks.meetings.scheduling import ensure_scheduled_jobs_for_existing_meetings
from tasks.meetings.status import Status


@job(
    atomic=True,
    name_en="End a meeting",
    name_ar="إنهاء اجتماع",
    name_id="Akhiri rapat",
    description_en="Sets an upcoming meeting to done when its end has come.",
    description_ar="يحوّل الاجتماع القادم إلى منتهٍ عند حلول وقت نهايته.",
    description_id="Mengubah rapat mendatang menjadi selesai ketika waktunya berakhir.",
)
def end_meeting(meeting_id: int, *, scheduled_at: datetime) -> dict[str, Any]:
    """Set the meeting to done if it is upcoming and has ended by `scheduled_at`.

    A call that has become stale, because the meeting was moved, called off, ended or deleted,
    changes nothing and says so: `changed` is False and `message` gives the reason.
    """
    _require_switched_on()
    meeting = Meeting.objects.select_for_update(no_key=True).filter(pk=meeting_id).first()
    stale = _why_stale(meeting, scheduled_at)
    if stale:
        message = f"Meeting {meeting_id} {stale}; nothing was changed."
        return {"success": True, "changed": False, "message": message}
    Meeting.objects.filter(pk=meeting_id).mark_done()
    return {"success": True, "changed": True, "message": f"Meeting {meeting_id} is done."}


@job(
    Every(timedelta(minutes=5)),
    at_start=timedelta(seconds=settings.SCHEDULER_RECOVERY_DELAY_SECONDS),
    idempotent=True,
    name_en="Recover meetings",
    name_ar="استعادة الاجتماعات",
    name_id="Pulihkan rapat",
    description_en="Schedules the end of upcoming meetings that have no pending run.",
    description_ar="يجدول نهاية الاجتماعات القادمة التي ليس لها تشغيل معلّق.",
    description_id="Menjadwalkan akhir rapat mendatang yang belum memiliki eksekusi tertunda.",
)
def recover_meetings(*, run: CurrentRun) -> dict[str, Any]:
    """Schedule the end of every upcoming meeting that has no run for it; safe to repeat.

    Returns `total_meetings`, `jobs_scheduled`, `jobs_already_exist`, `errors` and `success`. A
    meeting whose end has passed counts as scheduled: its run is due at once and ends it.
    """
    _require_switched_on()
    found = ensure_scheduled_jobs_for_existing_meetings(tell=run.progress)
    message = (
        f"{found['total_meetings']} upcoming meetings: {found['jobs_scheduled']} scheduled,"
        f" {found['jobs_already_exist']} were already, {len(found['errors'])} errors."
    )
    return {**found, "message": message}


def _require_switched_on() -> None:
    if not settings.ENABLE_MEETING_STATUS_UPDATES:
        raise SkipRun("ENABLE_MEETING_STATUS_UPDATES is false, so meetings are left as they are")


def _why_stale(meeting: Meeting | None, scheduled_at: datetime) -> str:
    """Say why a call for this instant must not end the meeting; empty if it may."""
    if meeting is None:
        return "does not exist (any more)"
    if meeting.status != Status.UPCOMING:
        return f"is {meeting.status} already"
    if meeting.end_time > scheduled_at:
        return f"ends only at {meeting.end_time.isoformat()}, not at {scheduled_at.isoformat()}"
    return ""
