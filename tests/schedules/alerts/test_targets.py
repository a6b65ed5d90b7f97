"""Where a webhook may go: in every spelling of inside, nowhere."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from schedules.alerts.targets import AddressRefused, addresses, is_public, masked, read_url
from schedules.errors import InvalidInput


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.SCHEDULES = {
        "alert_hosts": ["*", "*:*", "http://10.0.0.5:8080", "https://inside.example.com"]
    }


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Make names lead where a test says; the seam is the look-up itself."""

    def set_answers(*answers: str) -> list[str]:
        asked: list[str] = []

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return set_answers


INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00::1]",
    "[fe80::1]",
    "169.254.169.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_an_inner_address_is_called(host: str) -> None:
    with pytest.raises((AddressRefused, OSError)):
        addresses(read_url(f"https://{host}/hook"))


def test_a_name_with_one_inner_address_among_outer_ones_is_refused(
    resolve_to: Callable[..., list[str]],
) -> None:
    resolve_to("93.184.215.14", "127.0.0.1")

    with pytest.raises(AddressRefused, match=r"example\.com leads to 127\.0\.0\.1"):
        addresses(read_url("https://example.com/hook"))


def test_outer_addresses_are_public() -> None:
    assert is_public("93.184.215.14")
    assert is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://user:password@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https:///path",
        "https://exa mple.com/",
        "https://example.com/\r\nX-Injected: 1",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://ex\u00e4mple.com/",
        "//example.com/",
        "javascript:alert(1)",
        "https://example.com/" + "x" * 2000,
        "",
    ],
)
def test_what_is_no_https_url_is_refused_when_it_is_entered(url: str) -> None:
    with pytest.raises(InvalidInput, match="target"):
        read_url(url)


def test_only_hosts_that_the_settings_name_are_called(settings: Any) -> None:
    settings.SCHEDULES = {"alert_hosts": ["hooks.slack.com", "*.example.com", "other.org:8443"]}

    assert read_url("https://hooks.slack.com/services/x").host == "hooks.slack.com"
    assert read_url("https://a.example.com/").port == 443
    assert read_url("https://other.org:8443/").authority == "other.org:8443"
    for url in ("https://evil.org/", "https://example.com.evil.org/", "https://a.example.com:22/"):
        with pytest.raises(InvalidInput, match=r"hooks\.slack\.com"):
            read_url(url)


def test_nothing_is_called_unless_the_settings_name_a_host(settings: Any) -> None:
    settings.SCHEDULES = {}

    with pytest.raises(InvalidInput, match=r"alert_hosts \(none is\)"):
        read_url("https://hooks.slack.com/services/x")


def test_an_origin_in_the_settings_is_trusted_as_it_stands() -> None:
    inside = read_url("http://10.0.0.5:8080/hook")

    assert inside.is_trusted
    assert addresses(inside) == ["10.0.0.5"]
    with pytest.raises(InvalidInput):
        read_url("http://10.0.0.5:8081/hook")


def test_a_url_is_shown_without_its_secret() -> None:
    assert masked("https://hooks.slack.com/services/T0/B0/secret") == "https://hooks.slack.com/…"
    assert masked("secret") == "***"
