"""The broker while none is known: every use of it ends with one sentence instead of a search on
localhost.
"""

from typing import Any, NoReturn

from kombu.exceptions import OperationalError
from kombu.transport import virtual

HOW_TO_GET_ONE = "There is no broker: start the system with ./run up, or set BROKER_URL."


class Transport(virtual.Transport):
    """Refuses to connect."""

    driver_type = driver_name = "none"

    def establish_connection(self) -> NoReturn:
        """Raise OperationalError, which callers of a broker know as the broker being away."""
        raise OperationalError(HOW_TO_GET_ONE)

    def driver_version(self) -> str:
        """Return what `celery report` prints."""
        return "none"

    def create_channel(self, connection: Any) -> NoReturn:
        """Refuse as `establish_connection` does."""
        raise OperationalError(HOW_TO_GET_ONE)
