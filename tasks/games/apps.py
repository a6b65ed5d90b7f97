"""The Django app of the games."""

from django.apps import AppConfig


class GamesConfig(AppConfig):
    """Games and sessions, under the label `games`."""

    name = "tasks.games"
    label = "games"
    verbose_name = "Games"
    default_auto_field = "django.db.models.BigAutoField"
