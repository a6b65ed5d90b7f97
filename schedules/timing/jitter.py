"""How long after its nominal instant an occurrence starts."""

from datetime import datetime, timedelta
from hashlib import blake2b


def jitter_of(most: timedelta, *, seed: str, instant: datetime) -> timedelta:
    """Return how long after `instant` it starts: from 0 up to `most`, always the same for one
    occurrence of one `seed`.
    """
    if not most:
        return timedelta(0)
    digest = blake2b(f"{seed} {instant.isoformat()}".encode(), digest_size=8).digest()
    return most * (int.from_bytes(digest, "big") / 2**64)
