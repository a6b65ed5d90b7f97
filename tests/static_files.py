"""One look at the static files for all clients of a pass.

WhiteNoise's middleware looks through all of them when it is made, as a server's start does once;
here each client of a test makes one, which took half of its first request.
"""

from whitenoise.middleware import WhiteNoiseMiddleware


def install() -> None:
    """Have every middleware of WhiteNoise know what the first one with its prefix has found."""
    found: dict[str, dict[str, object]] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if self.static_prefix not in found:
            look(self)
            found[self.static_prefix] = dict(self.files)
        self.files.update(found[self.static_prefix])

    WhiteNoiseMiddleware.add_files_from_finders = look_once
