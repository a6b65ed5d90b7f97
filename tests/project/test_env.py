"""Environment variables: what is accepted, and the one line about what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from project.env import Env, kept_secret, without_password

Reading = Callable[[Env], object]

REFUSED: list[tuple[str, Reading, str]] = [
    ("maybe", lambda env: env.flag("X", default=True), "write true or false"),
    (
        "test",
        lambda env: env.choice("X", default="dev", accepted=("dev", "prod")),
        "one of dev, prod",
    ),
    ("nan", lambda env: env.number("X", default=1, least=0, most=9, unit="seconds"), "from 0 to 9"),
    ("10", lambda env: env.number("X", default=1, least=0, most=9, unit="seconds"), "from 0 to 9"),
    ("1.5", lambda env: env.whole("X", default=7, least=1, most=9, unit="days"), "a whole number"),
    ("Mars/Base", lambda env: env.zone("X", default="UTC"), "IANA"),
    ("../etc/passwd", lambda env: env.zone("X", default="UTC"), "IANA"),
    ("mysql://a/b", lambda env: env.database("X", default=""), "write postgresql://"),
    (
        "postgresql://host:port/name",
        lambda env: env.database("X", default=""),
        "write postgresql://",
    ),
    ("sqlite://", lambda env: env.database("X", default=""), "sqlite:////path/to/file"),
    ("http://host", lambda env: env.broker("X"), "write redis://"),
    ("redis://host:port/0", lambda env: env.broker("X"), "write redis://"),
    ("sentinel://one:26379;two:26379", lambda env: env.broker("X"), "write redis://"),
    ("ftp://host", lambda env: env.email("X", default="console:"), "write smtp+tls://"),
    ("https://a.example.com", lambda env: env.hosts("X"), "names of hosts alone"),
    ("a.example.com:8000", lambda env: env.hosts("X"), "names of hosts alone"),
    ("a b", lambda env: env.hosts("X"), "names of hosts alone"),
    ("a.example.com", lambda env: env.origins("X"), "https://jobs.example.com"),
    ("https://a.example.com/path", lambda env: env.origins("X"), "https://jobs.example.com"),
    ("https://a.example.com:0", lambda env: env.origins("X"), "https://jobs.example.com"),
    ("ftp://a.example.com", lambda env: env.callable_hosts("X"), "names of hosts such as"),
    ("a.example.com", lambda env: env.address("X"), "https://jobs.example.com"),
    ("ftp://a.example.com", lambda env: env.address("X"), "https://jobs.example.com"),
    ("https://a.example.com/?q=1", lambda env: env.address("X"), "https://jobs.example.com"),
    ("zoneinfo", lambda env: env.folders("X"), "each from / on"),
    ("/:/nowhere", lambda env: env.folders("X"), "each from / on"),
    ("only-a-user", lambda env: env.login("X"), "write user:password"),
]


@pytest.mark.parametrize(("found", "read", "accepted"), REFUSED)
def test_a_broken_value_ends_the_process_with_one_line_that_names_it(
    found: str, read: Reading, accepted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read(Env({"X": found}))

    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert len(lines) == 1
    assert lines[0].startswith("X is '")
    assert accepted in lines[0]


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("postgresql://me:hush@host:port/name", lambda env: env.database("X", default="")),
        ("redis://:hush@host:port/0", lambda env: env.broker("X")),
        ("ftp://me:hush@host", lambda env: env.email("X", default="")),
        ("hush", lambda env: env.login("X")),
    ],
)
def test_a_refusal_does_not_repeat_a_password(
    url: str, read: Reading, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(Env({"X": url}))

    assert "hush" not in capsys.readouterr().err


def test_a_url_without_a_password_is_shown_whole() -> None:
    assert without_password("postgresql://host:5432/name") == "postgresql://host:5432/name"


@pytest.mark.parametrize(
    ("found", "read"),
    [
        ("*,.example.com,10.0.0.5,[::1],web_1", lambda env: env.hosts("X")),
        ("https://*.example.com,http://[::1]:8000", lambda env: env.origins("X")),
    ],
)
def test_hosts_and_origins_are_taken_as_they_are(
    found: str, read: Callable[[Env], list[str]]
) -> None:
    assert read(Env({"X": found})) == found.split(",")


@pytest.mark.parametrize("site", ["https://jobs.example.com", "http://10.0.0.5:8000/jobs/"])
def test_a_site_may_have_a_port_and_a_path(site: str) -> None:
    assert Env({"X": site}).address("X") == site


def test_an_empty_variable_counts_as_unset() -> None:
    env = Env({"X": " "})

    assert env.flag("X", default=True) is True
    assert env.whole("X", default=7, least=1, most=9, unit="days") == 7
    assert env.zone("X", default="Asia/Jakarta") == "Asia/Jakarta"
    assert env.names_list("X", default=["a"]) == ["a"]


def test_a_database_address_may_name_a_driver_as_sqlalchemy_does() -> None:
    found = Env({"X": "postgresql+psycopg2://me:pw@host/name"}).database("X", default="")

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["USER"], found["HOST"], found["NAME"]) == ("me", "host", "name")


def test_a_directory_that_cannot_be_written_is_refused_only_where_it_is_needed(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    env = Env({"X": "file/below"})

    assert env.directory("X", default="", base=tmp_path, needed=False) == tmp_path / "file/below"
    with pytest.raises(SystemExit):
        env.directory("X", default="", base=tmp_path, needed=True)


def test_a_kept_secret_stays_the_same_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "key")
    second = kept_secret(tmp_path / "key")

    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_every_name_that_was_read_is_known() -> None:
    env = Env({})

    env.text("A")
    env.flag("B", default=False)

    assert env.names == {"A", "B"}
