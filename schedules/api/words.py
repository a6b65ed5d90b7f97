"""The fixed lists with their published numbers, in three languages; and what a caller reads."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request

from schedules.operations.shapes import JOB_TYPE_IDS, STATUSES
from schedules.states import JobType, RunState

LANGUAGES = ("en", "ar", "id")

JOB_TYPES = {
    JobType.INTERVAL: ("Interval", "فترة زمنية", "Interval"),
    JobType.CRON: ("Cron", "جدول كرون", "Cron"),
    JobType.CLOCKED: ("One date", "تاريخ واحد", "Satu tanggal"),
    JobType.SOLAR: ("Solar", "شمسي", "Matahari"),
}
STATES = {
    RunState.PLANNED: ("Pending", "قيد الانتظار", "Menunggu"),
    RunState.RUNNING: ("Running", "قيد التنفيذ", "Berjalan"),
    RunState.SUCCEEDED: ("Success", "نجح", "Berhasil"),
    RunState.FAILED: ("Failed", "فشل", "Gagal"),
    RunState.MISSED: ("Missed", "فات موعده", "Terlewat"),
    RunState.SKIPPED: ("Skipped", "تم تخطيه", "Dilewati"),
    RunState.CANCELLED: ("Cancelled", "ملغى", "Dibatalkan"),
    RunState.RETRYING: ("Retrying", "إعادة المحاولة", "Mencoba ulang"),
    RunState.LOST: ("Lost", "مفقود", "Hilang"),
    RunState.TIMED_OUT: ("Timed out", "انتهت المهلة", "Melewati batas waktu"),
    RunState.SENT: ("Queued", "في قائمة الانتظار", "Dalam antrean"),
}


def job_types(language: str) -> list[dict[str, object]]:
    """Return the kinds of timetable, by number."""
    return [_word(JOB_TYPE_IDS[kind], kind.value, JOB_TYPES[kind], language) for kind in JOB_TYPES]


def execution_statuses(language: str) -> list[dict[str, object]]:
    """Return the states of a run, by number."""
    return [_word(*STATUSES[state], STATES[state], language) for state in STATUSES]


def language_of(request: HttpRequest, response: HttpResponse | None = None) -> str:
    """Return en, ar or id, as Accept-Language asks, and say so in the response."""
    asked = get_language_from_request(request)
    language = next((code for code in LANGUAGES if asked.split("-")[0] == code), "en")
    if response is not None:
        response.headers["Content-Language"] = language
        patch_vary_headers(response, ("Accept-Language",))
    return language


def _word(number: int, name: str, texts: tuple[str, str, str], language: str) -> dict[str, object]:
    english, arabic, indonesian = texts
    return {
        "id": number,
        "name": name,
        "nameEn": english,
        "nameAr": arabic,
        "nameId": indonesian,
        "label": texts[LANGUAGES.index(language)],
    }
