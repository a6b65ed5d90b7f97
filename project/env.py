"""Environment variables as typed values.

A value that cannot be used stops the process before anything starts: one line that names the
variable, what was found and what is accepted, on stderr, and exit code 2. An empty variable counts
as unset.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import shlex
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url
import dj_email_url

from schedules.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POSTGRESQL_SCHEMES = ("postgres", "postgresql")
REDIS_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")
AMQP_SCHEMES = ("amqp", "amqps")
HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])"
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})
EXIT_CODE = 2


def refuse(name: str, found: object, accepted: str) -> NoReturn:
    """End the process with one line about the variable `name`."""
    sys.stderr.write(f"{InvalidInput(name, found, accepted)}\n")
    raise SystemExit(EXIT_CODE)


def without_password(url: str) -> str:
    """Return `url` with what stands between the user's name and `@` hidden, and what is called a
    password among its parameters.
    """
    # Up to the last @: a password that should have been quoted may hold any character.
    hidden = re.sub(r"(?<=://)([^:/@]*):.*(?=@)", r"\1:***", url)
    return re.sub(r"(?i)([?&][a-z_]*password=)[^&]*", r"\1***", hidden)


class Env:
    """Reads variables from `source`; `names` holds every name that was asked for."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self.source = source
        self.names: set[str] = set()

    def text(self, name: str, *, default: str = "") -> str:
        """Return the variable without blanks around it, or `default` when unset or empty.

        `NAME_FILE` may name a file that holds the value instead: what a secret is mounted as.
        """
        self.names.add(name)
        value = self.source.get(name, "").strip()
        path = self.source.get(f"{name}_FILE", "").strip()
        if not path:
            return value or default
        if value:
            refuse(f"{name}_FILE", path, f"set it or {name}, not both")
        try:
            return Path(path).read_text().strip() or default
        except (OSError, ValueError):
            refuse(f"{name}_FILE", path, "write the path of a text file that this user may read")

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes-or-no variable."""
        found = self.text(name).lower()
        if not found:
            return default
        if found not in YES | NO:
            refuse(name, found, "write true or false")
        return found in YES

    def choice(
        self, name: str, *, default: str, accepted: Sequence[str], upper: bool = False
    ) -> str:
        """Return one of `accepted`; capitals do not matter."""
        found = self.text(name, default=default)
        value = found.upper() if upper else found.lower()
        if value not in accepted:
            refuse(name, found, f"write one of {', '.join(accepted)}")
        return value

    def number(self, name: str, *, default: float, least: float, most: float, unit: str) -> float:
        """Return a number of `unit` between `least` and `most`, both included."""
        found = self.text(name)
        accepted = f"write a number of {unit} from {least:g} to {most:g}, for example {default:g}"
        try:
            value = float(found) if found else default
        except ValueError:
            refuse(name, found, accepted)
        if not (math.isfinite(value) and least <= value <= most):
            refuse(name, found, accepted)
        return value

    def whole(self, name: str, *, default: int, least: int, most: int, unit: str) -> int:
        """Return a whole number of `unit` between `least` and `most`, both included."""
        found = self.text(name, default=str(default))
        if not re.fullmatch(r"[0-9]{1,9}", found) or not least <= int(found) <= most:
            refuse(
                name,
                found,
                f"write a whole number of {unit} from {least} to {most}, for example {default}",
            )
        return int(found)

    def names_list(self, name: str, *, default: Sequence[str] = ()) -> list[str]:
        """Return the comma-separated entries of the variable."""
        found = self.text(name)
        return [entry.strip() for entry in found.split(",") if entry.strip()] or list(default)

    def hosts(self, name: str, *, default: Sequence[str] = ()) -> list[str]:
        """Return names of hosts without port: `*` is any, `.example.com` with all below it."""
        hosts = self.names_list(name, default=default)
        for host in hosts:
            if host != "*" and not re.fullmatch(rf"\.?{HOST}", host):
                accepted = "write names of hosts alone, with commas, such as jobs.example.com"
                refuse(name, host, accepted)
        return hosts

    def origins(self, name: str) -> list[str]:
        """Return origins, a scheme and a host each; `*.` in front of it means all below it."""
        origins = self.names_list(name)
        for origin in origins:
            if not _is_origin(origin, name=rf"(\*\.)?{HOST}"):
                refuse(name, origin, "write origins, with commas, such as https://jobs.example.com")
        return origins

    def callable_hosts(self, name: str) -> list[str]:
        """Return names of hosts, `*.` in front of one meaning all below it, and whole origins."""
        entries = self.names_list(name)
        for entry in entries:
            if not (re.fullmatch(rf"(\*\.)?{HOST}", entry) or _is_origin(entry, name=HOST)):
                accepted = (
                    "write names of hosts such as hooks.slack.com or *.example.com, or origins"
                )
                refuse(name, entry, f"{accepted} such as http://10.0.0.5:8080, with commas")
        return entries

    def address(self, name: str) -> str:
        """Return the address of a site, perhaps with a path; "" when the variable is unset."""
        found = self.text(name)
        origin, _, path = found.removesuffix("/").partition("://")[2].partition("/")
        scheme = found.partition("://")[0]
        if found and not (
            _is_origin(f"{scheme}://{origin}", name=HOST) and re.fullmatch(r"[\w.~/-]*", path)
        ):
            refuse(
                name, without_password(found), "write an address such as https://jobs.example.com"
            )
        return found

    def folders(self, name: str) -> list[str]:
        """Return the directories of a search path, each named from the root on."""
        found = self.text(name)
        for entry in filter(None, found.split(os.pathsep)):
            if not (Path(entry).is_absolute() and Path(entry).is_dir()):
                accepted = (
                    f"write directories that exist, each from / on, with {os.pathsep} between"
                )
                refuse(name, entry, accepted)
        return found.split(os.pathsep) if found else []

    def recipients(self, name: str, *, languages: Sequence[str]) -> list[tuple[str, str]]:
        """Return (address, language) pairs; an entry without `=language` has the first of
        `languages`.
        """
        pairs: list[tuple[str, str]] = []
        known = ", ".join(languages)
        for entry in self.names_list(name):
            match = re.fullmatch(r"([^\s@=,;<>\"]+@[^\s@=,;<>\"]+[^\s@=,;<>.\"])(?:=(\w+))?", entry)
            language = (match[2] if match else None) or languages[0]
            if match is None or language not in languages:
                accepted = f"write addresses, each alone or with its language as =CODE ({known})"
                refuse(name, entry, accepted)
            if match[1] in dict(pairs):
                refuse(name, entry, "write each address once")
            pairs.append((match[1], language))
        return pairs

    def commands(self, name: str) -> dict[str, list[str]]:
        """Return the words of each command by its name, from `name=command ARGUMENTS; ...`.

        A command without `name=` is named after itself. Quotes hold words together as in a shell;
        nothing else of a shell is understood.
        """
        found = self.text(name)
        accepted = "write name=command ARGUMENTS, several separated by ;, each name once"
        words = shlex.shlex(found, posix=True, punctuation_chars=";")
        words.whitespace_split, words.commenters = True, ""
        commands: dict[str, list[str]] = {}
        try:
            entries = [list(group) for is_end, group in groupby(words, ";".__eq__) if not is_end]
        except ValueError:  # a quote that is not closed
            refuse(name, found, accepted)
        for first, *arguments in entries:
            match = re.fullmatch(r"(?:([a-z0-9_-]{1,50})=)?([a-z0-9_]+)", first)
            if match is None or (match[1] or match[2]) in commands:
                refuse(name, found, accepted)
            commands[match[1] or match[2]] = [match[2], *arguments]
        return commands

    def target(self, name: str) -> str:
        """Return a `host:port`, or "" when the variable is unset."""
        found = self.text(name)
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", found)
        if found and (match is None or not 1 <= int(match[2]) <= 65535):
            refuse(name, found, "write host:port, for example workforce.example.com:50051")
        return found

    def file(self, name: str) -> bytes:
        """Return the content of the file that the variable names; empty when it is unset."""
        found = self.text(name)
        try:
            return Path(found).read_bytes() if found else b""
        except OSError:
            refuse(name, found, "write the path of a file that this user may read")

    def zone(self, name: str, *, default: str) -> str:
        """Return the name of a time zone that exists."""
        found = self.text(name, default=default)
        try:
            return ZoneInfo(found).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            refuse(name, found, "write a time zone of the IANA database, for example Asia/Jakarta")

    def directory(self, name: str, *, default: str, base: Path, needed: bool) -> Path:
        """Return a directory, made when it is missing; a relative one starts at `base`.

        Where it is `needed`, one that this user cannot write stops the process.
        """
        place = base / self.text(name, default=default)
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if needed and not os.access(place, os.W_OK | os.X_OK):
            refuse(name, str(place), "write a directory that this user may write")
        return place

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """Return Django's settings for the database at a `postgresql://` or `sqlite:///` URL."""
        found = self.text(name, default=default)
        accepted = "write postgresql://user:password@host:5432/name or sqlite:////path/to/file"
        # APScheduler's URLs name a driver too: postgresql+psycopg2://
        scheme, separator, rest = found.partition("://")
        plain_scheme = scheme.partition("+")[0]
        url = f"{plain_scheme}{separator}{rest}"
        try:
            parsed = dict(dj_database_url.parse(url))
        except ValueError:
            parsed = {}
        named = bool(parsed.get("NAME")) and parsed.get("NAME") != ":memory:"
        if plain_scheme not in (*POSTGRESQL_SCHEMES, "sqlite") or not named:
            refuse(name, without_password(found), accepted)
        return parsed

    def broker(self, name: str, *, or_amqp: bool = False) -> str:
        """Return the URL of Redis, or of RabbitMQ too, as it is; "" when the variable is unset.

        Those of several Sentinels stand in one, with semicolons.
        """
        found = self.text(name)
        if not found:
            return ""
        schemes = (*REDIS_SCHEMES, *(AMQP_SCHEMES if or_amqp else ()))
        several = found.split(";") if found.startswith("sentinel:") else [found]
        if not all(_is_broker(url, schemes) for url in several):
            refuse(
                name,
                without_password(found),
                "write redis://:password@host:6379/0 (or rediss:// for TLS)"
                + (", or amqp://user:password@host:5672/vhost" if or_amqp else ""),
            )
        return found

    def email(self, name: str, *, default: str) -> dict[str, Any]:
        """Return Django's `EMAIL_*` settings for an `smtp://`, `console:` or `file:///` URL."""
        found = self.text(name, default=default)
        try:
            # dj-email-url calls it submission; smtp+tls is what people write.
            parsed = dict(dj_email_url.parse(re.sub(r"^smtp\+tls(?=:)", "submission", found)))
        except ValueError:
            parsed = {}
        if "EMAIL_BACKEND" not in parsed:
            refuse(
                name,
                without_password(found),
                "write smtp+tls://user:password@host:587, console: or file:///path",
            )
        return parsed

    def login(self, name: str) -> str:
        """Return a `user:password` pair, or "" when the variable is unset."""
        found = self.text(name)
        user, separator, password = found.partition(":")
        if found and not (user and separator and password):
            refuse(name, "***", "write user:password")
        return found

    def secret(self, name: str, *, kept_in: Path, required: bool) -> str:
        """Return the variable, or a random text kept in the file `kept_in` (mode 0600) from the
        first call on.

        Where it is `required`, an unset variable stops the process.
        """
        if found := self.text(name):
            return found
        if required:
            refuse(name, "", "set it to a long random text when ENVIRONMENT is prod")
        try:
            return kept_secret(kept_in)
        except OSError:
            refuse(name, "", f"set it, or let this user read and write {kept_in}")


def _is_broker(url: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname or parts.path) and parts.port != 0
    except ValueError:
        return False


def _is_origin(origin: str, *, name: str) -> bool:
    match = re.fullmatch(rf"https?://{name}(:(?P<port>[0-9]{{1,5}}))?", origin)
    return match is not None and 1 <= int(match["port"] or 80) <= 65535


def kept_secret(path: Path) -> str:
    """Return the text in `path`; of several processes that start at once, all get the same one."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        try:
            # A link fails where the name is taken, and the name never shows a half-written file.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
