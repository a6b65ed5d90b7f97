"""The functions that a scheduler to be replaced runs."""


def add(x: int, y: int = 0) -> int:
    """Return the sum."""
    return x + y


def tick() -> None:
    """Do what another name does here."""
