"""Which release of the IANA time zone data is in use: what it gave holds until the next one."""

import zoneinfo
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

PROBE = "Europe/Riga"
"""A zone that every complete set of data has."""


def tzdata_version() -> str:
    """Return the release of the zone data that zoneinfo reads, such as "2026f".

    zoneinfo takes the first directory of its search path that has the zone (the operating system's
    data), and PyPI's tzdata only when none has; the same order is followed here. Data that does not
    tell its release is named by a digest of its zones. Raises ModuleNotFoundError when there is no
    data at all.
    """
    for place in zoneinfo.TZPATH:
        directory = Path(place)
        if (directory / PROBE).is_file():
            return _stated(directory) or _digest(directory)
    version: str = import_module("tzdata").IANA_VERSION
    return version


def _stated(directory: Path) -> str:
    """Return the release as `tzdata.zi` (most systems) or `+VERSION` (macOS, BSD) states it."""
    try:
        with (directory / "tzdata.zi").open(encoding="ascii") as lines:
            return lines.readline().removeprefix("# version").strip()
    except OSError:
        pass
    try:
        return (directory / "+VERSION").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _digest(directory: Path) -> str:
    digest = blake2b(digest_size=6)  # with its word it fits into a column of 20
    for name in sorted(zoneinfo.available_timezones()):
        zone = directory / name
        if zone.is_file():
            digest.update(name.encode() + b"\0" + zone.read_bytes())
    return f"digest {digest.hexdigest()}"
