"""Keys of jobs: what can be one, so that every address of the job can be reached under it."""


def is_number(reference: str) -> bool:
    """Whether a reference to a job may be its number."""
    return reference.isascii() and reference.isdecimal() and len(reference) < 19


RESERVED = frozenset({".", "..", "preview"})
"""What an address after `/jobs/` means already."""


def why_no_key(name: str) -> str:
    """Return why no job can be reached under `name`, in words; empty for what can be a key."""
    if is_number(name):
        return "it could be the number of another job"
    if "/" in name:
        return "no address of a job can hold a /"
    return "it means something else in an address" if name in RESERVED else ""


def key_for(name: str) -> str:
    """Return the key of a job with this name, under which every address of it can be reached."""
    parted = name.replace("/", ":")
    return f"job-{parted}" if why_no_key(parted) else parted
