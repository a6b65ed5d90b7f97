"""Tables of other schedulers, read where they are: a SQLite file or a PostgreSQL database.

Nothing is written there: SQLite is opened read-only, PostgreSQL in a read-only transaction.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from schedules.errors import InvalidInput

ACCEPTED = "the path of a SQLite file, sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/NAME"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


class Store:
    """A database of somebody else's."""

    def __init__(self, source: str) -> None:
        """Remember the source. Raises InvalidInput for one that is neither."""
        self._shown = re.sub(r"//[^@/]*@", "//***@", source)
        # SQLAlchemy names the driver too: postgresql+psycopg2://
        scheme, colon, rest = source.partition("://")
        scheme = scheme.partition("+")[0] if colon else "sqlite"
        if scheme in ("postgresql", "postgres"):
            self._url: str | None = f"postgresql://{rest}"
        elif scheme == "sqlite":
            self._url = None
            path = unquote(rest.partition("?")[0])[1:] if colon else source
            self._path = Path(path).absolute()
            if not _is_file(self._path):
                raise InvalidInput("source", str(self._path), f"an existing file; {ACCEPTED}")
        else:
            raise InvalidInput("source", self._shown, ACCEPTED)

    def tables(self) -> set[str]:
        """Return the names of its tables."""
        if self._url is None:
            query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        else:
            query = "SELECT table_name FROM information_schema.tables"
        return {row["name" if self._url is None else "table_name"] for row in self._ask(query)}

    def rows(self, table: str, columns: Sequence[str] = ("*",)) -> list[dict[str, Any]]:
        """Return the rows of a table by column name, ordered by the first of them."""
        if not _IDENTIFIER.fullmatch(table):
            raise InvalidInput("table", table, "the name of a table")
        return self._ask(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")  # noqa: S608

    def _ask(self, query: str) -> list[dict[str, Any]]:
        return self._ask_sqlite(query) if self._url is None else self._ask_postgresql(query)

    def _ask_sqlite(self, query: str) -> list[dict[str, Any]]:
        address = f"{self._path.as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                # Any bytes may stand there: those that are no text become halves of characters.
                connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
                return [dict(row) for row in connection.execute(query)]
        except sqlite3.Error as error:
            raise InvalidInput("source", self._shown, f"a readable SQLite file; {error}") from None

    def _ask_postgresql(self, query: str) -> list[dict[str, Any]]:
        import psycopg
        from psycopg.rows import dict_row

        assert self._url is not None
        try:
            with psycopg.connect(self._url, connect_timeout=10) as connection:
                connection.read_only = True
                with connection.cursor(row_factory=dict_row) as cursor:
                    return cursor.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            first_line = str(error).partition("\n")[0]
            accepted = f"a PostgreSQL database that can be read; {first_line}"
            raise InvalidInput("source", self._shown, accepted) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is too long, or it is in a folder that is not ours to read
        return False
