"""Where the tests of each kind live, so that a pass of one kind collects nothing else."""

FOLDERS = {
    "browser": ("tests/in_browser",),
    "once": ("tests/project",),
    "stack": ("tests/stack", "tests/project"),
    "system": ("tests/stack",),
}
"""By marker."""


def is_in_place(path: str, marker: str) -> bool:
    """Whether a test with this marker is where the passes look; `path` is relative to the root."""
    return any(path.startswith(f"{folder}/") for folder in FOLDERS[marker])
