"""Games and their sessions in Django's admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public import InvalidInput, database_now
from schedules.public.admin import OverDamage
from tasks.games.editing import check_to_come, save_game
from tasks.games.models import Game, GameSession, Weekday
from tasks.games.wall_clock import find_zone


class GameForm(forms.ModelForm):  # type: ignore[type-arg]
    """The weekdays as boxes to tick instead of JSON."""

    weekdays = forms.TypedMultipleChoiceField(
        choices=Weekday.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=str(Game._meta.get_field("weekdays").help_text),
    )

    def _post_clean(self) -> None:
        """Also refuse a game that would never be played, once the rest of it is in order."""
        super()._post_clean()  # type: ignore[misc]  # Django's, which puts the values on the game
        if self.errors:
            return
        try:
            check_to_come(self.instance, now=database_now())
        except InvalidInput as refusal:
            self.add_error(refusal.field, str(refusal))


@admin.register(Game)
class GameAdmin(OverDamage):
    """Games with their rule in one line."""

    form = GameForm
    list_display = [
        "title",
        "recurrence",
        "on_days",
        "start_time",
        "duration",
        "timezone",
        "starts_on",
        "ends_on",
        "is_active",
    ]
    list_filter = ["is_active", "recurrence", "timezone"]
    search_fields = ["title"]
    actions = ["end"]

    @admin.action(description="End the selected games and remove their sessions to come")
    def end(self, request: HttpRequest, queryset: QuerySet[Game]) -> None:
        """Make them inactive; what has been played stays."""
        removed = 0
        games = list(queryset)
        for game in games:
            game.is_active = False
            removed += save_game(game, now=database_now()).removed
        self.message_user(request, f"{len(games)} games ended, {removed} sessions removed.")

    def save_model(self, request: HttpRequest, obj: Game, form: Any, change: bool) -> None:
        """Save the game, bring its sessions to come into line, and say what that did."""
        effect = save_game(obj, now=database_now())
        self.message_user(
            request,
            f"Sessions to come: {effect.created} made, {effect.moved} moved,"
            f" {effect.removed} removed.",
        )

    @admin.display(description="days")
    def on_days(self, game: Game) -> str:
        """The weekdays, or the day of the month."""
        if game.day_of_month:
            return f"day {game.day_of_month}"
        return ", ".join(
            str(Weekday(day).label)[:3] for day in game.weekdays if day in Weekday.values
        )


class WhenFilter(admin.SimpleListFilter):
    """Sessions by whether they are over."""

    title = "when"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two choices beside "all"."""
        return [("coming", "still to come"), ("over", "over")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[GameSession]
    ) -> QuerySet[GameSession]:
        """Sessions whose end lies ahead, or does not."""
        match self.value():
            case "coming":
                return queryset.filter(ends_at__gt=database_now())
            case "over":
                return queryset.filter(ends_at__lte=database_now())
        return queryset


@admin.register(GameSession)
class GameSessionAdmin(OverDamage):
    """Sessions by day, with the start on the clocks where the game is played."""

    list_display = ["game", "date", "local_start", "local_end", "starts_at"]
    list_filter = [WhenFilter, "game__recurrence", "game"]
    list_select_related = ["game"]
    date_hierarchy = "date"
    search_fields = ["game__title"]
    autocomplete_fields = ["game"]
    readonly_fields = ["made_by"]

    @admin.display(description="local start", ordering="starts_at")
    def local_start(self, session: GameSession) -> str:
        """For example Mon 06 Oct 19:30 AEDT."""
        return f"{session.starts_at.astimezone(find_zone(session.game.timezone)):%a %d %b %H:%M %Z}"

    @admin.display(description="local end", ordering="ends_at")
    def local_end(self, session: GameSession) -> str:
        """The time of day at the end."""
        return f"{session.ends_at.astimezone(find_zone(session.game.timezone)):%H:%M}"
