"""Made-up people, always the same ones: for demo data and for the directory server."""

from collections.abc import Iterator
from dataclasses import dataclass

# fmt: off
FIRST_NAMES = (
    "Adi", "Budi", "Citra", "Dewi", "Eka", "Farid", "Gita", "Hana", "Indra", "Joko",
    "Kartika", "Layla", "Made", "Nadia", "Omar", "Putri", "Rania", "Sari", "Tariq", "Utami",
    "Wayan", "Yusuf", "Zahra",
)
LAST_NAMES = (
    "Wijaya", "Santoso", "Rahma", "Nasution", "Hidayat", "Saleh", "Kusuma", "Lestari",
    "Haddad", "Pratama", "Siregar",
)
# fmt: on
HOME, EAST = "Asia/Jakarta", "Asia/Makassar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works here, or has worked here."""

    number: int
    code: str
    name: str
    email: str
    is_active: bool
    timezone: str


def made_up_people(count: int) -> Iterator[Person]:
    """Yield `count` people with the codes E0001, E0002 and so on; every twelfth has left, and
    every sixth lives an hour farther east.
    """
    for number in range(1, count + 1):
        first = FIRST_NAMES[number % len(FIRST_NAMES)]
        last = LAST_NAMES[number * 7 % len(LAST_NAMES)]
        yield Person(
            number=number,
            code=f"E{number:04}",
            name=f"{first} {last}",
            email=f"{first}.{last}.{number}@example.com".lower(),
            is_active=number % 12 != 0,
            timezone=EAST if number % 6 == 5 else HOME,
        )
