"""The environment with the schedulers that Downbeat is compared with; made when it is missing.

It is apart from our own, so that their packages meet nothing of ours, and can be deleted any time.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from project.devstack.environment import CannotInstall, create, find_uv, install

LOCK = Path(__file__).with_name("peers.txt")
"""Names, versions and hashes. Made by `uv pip compile --universal --generate-hashes`."""


class NotInstalled(Exception):
    """The peers cannot be had; the message is the one line that a person reads."""


def peers_python(cache: Path, *, tell: Callable[[str], None]) -> Path:
    """Return the Python of the peers' environment below `cache`; `tell` hears when it is made.

    Raises NotInstalled.
    """
    place = cache / "peers"
    stamp, wanted = place / "stamp", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    program = place / "bin" / "python"
    if stamp.exists() and stamp.read_text() == wanted and program.exists():
        return program
    tell("making the environment of the peers, once")
    try:
        place.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        create(place)
        install(place, lock=LOCK, uv=find_uv(place))
        stamp.write_text(wanted)
    except (CannotInstall, OSError) as error:
        raise NotInstalled(f"not installed: {error}") from error
    return program
