"""The Django app by which every process of a chaos run lays the plant that it was started with."""

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Has no models: its tables are made by SQL, and known to no migration."""

    name = "chaos"

    def ready(self) -> None:
        """Lay the plant before anything works."""
        from chaos import plants

        plants.apply()
