"""The environments of what is measured: the schedulers that Downbeat is compared with, and ours.

Each is made when it is missing, is apart from all others, so that nobody's packages meet another's,
and can be deleted any time.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from project.devstack.environment import LOCKS, CannotInstall, create, find_uv, install

PEERS_LOCK = Path(__file__).with_name("peers.txt")
"""Names, versions and hashes. Made by `uv pip compile --universal --generate-hashes`."""


class NotInstalled(Exception):
    """An environment cannot be had; the message is the one line that a person reads."""


def peers_python(cache: Path, *, tell: Callable[[str], None]) -> Path:
    """Return the Python of the peers' environment below `cache`; `tell` hears when it is made.

    Raises NotInstalled.
    """
    return _python(cache / "peers", PEERS_LOCK, what="the peers", tell=tell)


def our_python(cache: Path, *, tell: Callable[[str], None]) -> Path:
    """Return the Python of an environment below `cache` with what the image has, and no tools of
    development: libraries import some of those wherever they find them. `tell` hears when it is
    made, and when it cannot be had: then this program's own is returned.
    """
    try:
        return _python(cache / "ours", LOCKS["runtime"], what="our Beat", tell=tell)
    except NotInstalled as error:
        tell(f"our Beat starts with the packages of development, too: {error}")
        return Path(sys.executable)


def _python(place: Path, lock: Path, *, what: str, tell: Callable[[str], None]) -> Path:
    stamp, wanted = place / "stamp", hashlib.sha256(lock.read_bytes()).hexdigest()
    program = place / "bin" / "python"
    if stamp.exists() and stamp.read_text() == wanted and program.exists():
        return program
    tell(f"making the environment of {what}, once")
    try:
        place.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        create(place)
        install(place, lock=lock, uv=find_uv(place))
        stamp.write_text(wanted)
    except (CannotInstall, OSError) as error:
        raise NotInstalled(f"not installed: {error}") from error
    return program
