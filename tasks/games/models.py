"""Games, and the sessions at which they are played."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from schedules.public import InvalidInput
from tasks.games.recurrence import LONGEST_PAUSE, Recurrence, is_played_on
from tasks.games.wall_clock import find_zone

if TYPE_CHECKING:
    from datetime import datetime

YEARS = range(1900, 3000)
"""Beyond these a time zone can lead out of the calendar."""

LONGEST_DURATION = timedelta(days=7)


class Weekday(models.IntegerChoices):
    """Days of the week, counted as `date.weekday()` counts them."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    try:
        find_zone(name)
    except InvalidInput as error:
        raise ValidationError(str(error)) from None


def validate_weekdays(weekdays: object) -> None:
    """Raise ValidationError unless `weekdays` is a list of numbers from 0 to 6."""
    if not isinstance(weekdays, list) or any(
        type(day) is not int or day not in Weekday.values for day in weekdays
    ):
        accepted = "a list of numbers from 0 (Monday) to 6 (Sunday)"
        raise ValidationError(str(InvalidInput("weekdays", weekdays, accepted)))


class GameQuerySet(models.QuerySet["Game"]):
    """Games by how they come about."""

    def recurring(self) -> "GameQuerySet":
        """Those in play that come again by themselves."""
        return self.filter(is_active=True).exclude(recurrence=Recurrence.ONCE)


class Game(models.Model):
    """A game and when it is played. `start_time` is wall-clock time, all year round."""

    title = models.CharField(max_length=200)
    recurrence = models.CharField(
        max_length=11, choices=Recurrence, default=Recurrence.WEEKLY, db_index=True
    )
    weekdays = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_weekdays],
        help_text="Weekly, fortnightly: on these days. Daily: on these days only; empty: every day."
        " 0 is Monday.",
    )
    day_of_month = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text="Monthly games. Empty: that of the first day. In a shorter month: its last day.",
    )
    start_time = models.TimeField(help_text="On the clocks of the time zone below.")
    duration = models.DurationField(
        default=timedelta(hours=2), help_text="As hours:minutes:seconds."
    )
    timezone = models.CharField(
        max_length=64, default="Australia/Sydney", validators=[validate_time_zone]
    )
    starts_on = models.DateField(
        help_text="The first day; a fortnightly game counts its weeks from this one."
    )
    ends_on = models.DateField(null=True, blank=True, help_text="The last day. Empty: no end.")
    is_active = models.BooleanField(
        default=True, help_text="Untick to make no more sessions and remove those to come."
    )

    objects = GameQuerySet.as_manager()

    class Meta:
        ordering = ["title", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recurrence__in=Recurrence.values), name="a_game_has_a_known_recurrence"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="a_game_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(duration__gt=timedelta(0)), name="a_game_takes_time"
            ),
            models.CheckConstraint(
                condition=Q(day_of_month__isnull=True)
                | Q(day_of_month__gte=1, day_of_month__lte=31),
                name="a_game_day_of_month_1_to_31",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse dates in the wrong order or out of the calendar, a duration that is none, and day
        fields that the recurrence would not look at.
        """
        refused: dict[str, Any] = {}
        for name in ("starts_on", "ends_on"):
            day = getattr(self, name)
            if day and day.year not in YEARS:
                accepted = f"a year from {YEARS[0]} to {YEARS[-1]}"
                refused[name] = InvalidInput(name, str(day), accepted)
        if not refused and self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            accepted = f"a date from starts_on ({self.starts_on}) on, or empty"
            refused["ends_on"] = InvalidInput("ends_on", str(self.ends_on), accepted)
        if self.duration is not None and self.duration <= timedelta(0):
            accepted = "longer than nothing, for example 02:00:00"
            refused["duration"] = InvalidInput("duration", str(self.duration), accepted)
        if self.duration is not None and self.duration > LONGEST_DURATION:
            accepted = f"at most {LONGEST_DURATION.days} days"
            refused["duration"] = InvalidInput("duration", str(self.duration), accepted)
        refused |= self._refused_days()
        if not refused and self._has_no_day():
            accepted = "late enough for the game to be played once"
            refused["ends_on"] = InvalidInput("ends_on", str(self.ends_on), accepted)
        if refused:
            raise ValidationError({field: str(error) for field, error in refused.items()})

    def _refused_days(self) -> dict[str, InvalidInput]:
        """Return what is wrong with the day fields, beside this recurrence."""
        refused = {}
        rule = f"a game that is played {self.recurrence}"
        if self.weekdays and self.recurrence in {Recurrence.ONCE, Recurrence.MONTHLY}:
            refused["weekdays"] = InvalidInput("weekdays", self.weekdays, f"empty for {rule}")
        if not self.weekdays and self.recurrence in {Recurrence.WEEKLY, Recurrence.FORTNIGHTLY}:
            accepted = f"at least one weekday for {rule}"
            refused["weekdays"] = InvalidInput("weekdays", self.weekdays, accepted)
        if self.day_of_month is not None and self.recurrence != Recurrence.MONTHLY:
            refused["day_of_month"] = InvalidInput(
                "day_of_month", self.day_of_month, f"empty for {rule}"
            )
        return refused

    def _has_no_day(self) -> bool:
        """Whether the rule names no day between the first and the last."""
        if not self.starts_on or not self.ends_on:
            return False
        days = min((self.ends_on - self.starts_on).days, LONGEST_PAUSE) + 1
        span = (self.starts_on + timedelta(days=n) for n in range(days))
        return not any(is_played_on(self, day) for day in span)


class GameSessionQuerySet(models.QuerySet["GameSession"]):
    """Sessions by whether they have begun, and by who made them."""

    def to_come(self, now: "datetime") -> "GameSessionQuerySet":
        """Those that begin after the instant `now`."""
        return self.filter(starts_at__gt=now)

    def by_rule(self) -> "GameSessionQuerySet":
        """Those that were made from the game's rule, and not entered by hand."""
        return self.filter(made_by__isnull=False)


class GameSession(models.Model):
    """One time that a game is played. A game has at most one session a day."""

    # Protected: with its game, what has been played would go too.
    game = models.ForeignKey(Game, models.PROTECT, related_name="sessions", db_index=False)
    date = models.DateField(help_text="The day in the game's own time zone.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    made_by = models.UUIDField(
        null=True,
        blank=True,
        editable=False,
        help_text="The run that made the session; empty for one entered by hand.",
    )

    objects = GameSessionQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["game", "date"], name="one_session_per_game_and_day"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="a_session_ends_after_it_starts"
            ),
        ]
        indexes = [models.Index(fields=["starts_at"], name="session_by_start")]

    def __str__(self) -> str:
        return f"{self.game} on {self.date}"

    def clean(self) -> None:
        """Refuse an end before the start."""
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            accepted = f"later than starts_at ({self.starts_at.isoformat()})"
            error = InvalidInput("ends_at", self.ends_at.isoformat(), accepted)
            raise ValidationError({"ends_at": str(error)})
