"""Where a webhook may go: hosts that the settings name, and public addresses only.

Who may make a channel must not thereby reach what stands beside the server: an address inside, a
cloud's metadata, a name that points there, or points there a moment later.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from schedules.conf import options
from schedules.errors import InvalidInput, Refused

LONGEST_URL = 2000
HTTPS = 443

# They carry an IPv4 address inside, which a translator on the way would take out again.
_TRANSLATED = [ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart. `is_trusted`: the settings name this very origin, wherever it leads."""

    scheme: str
    host: str
    port: int
    path: str
    is_trusted: bool

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"


class AddressRefused(Refused):
    """A host's name leads to an address that a webhook must not reach."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} leads to {address}, which is not a public address.")


def read_url(url: str) -> Target:
    """Return the target of a webhook. Raises InvalidInput for one that may not be called.

    The name is not looked up here: what it leads to is judged when it is called.
    """
    accepted = "an https:// URL without user and password, of a host named in alert_hosts"
    printable = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not printable or len(url) > LONGEST_URL:
        raise InvalidInput("target", masked(url), f"{accepted}, in at most {LONGEST_URL} letters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise InvalidInput("target", masked(url), accepted) from None
    is_plain = parts.scheme == "http"
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
        raise InvalidInput("target", masked(url), accepted)
    port = port or (80 if is_plain else HTTPS)
    target = Target(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        is_trusted=_origin(parts.scheme, host, port) in options().alert_hosts,
    )
    if not target.is_trusted and (is_plain or not _is_named(host, port)):
        named = ", ".join(options().alert_hosts) or "none is"
        raise InvalidInput("target", masked(url), f"{accepted} ({named})")
    return target


def addresses(target: Target) -> Sequence[str]:
    """Look the host up, once, and return its addresses. Raises AddressRefused, OSError.

    One private address among public ones is enough to refuse: which one is taken would be chance.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    unique = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in unique:
        if not target.is_trusted and not is_public(address):
            raise AddressRefused(target.host, address)
    return unique


def is_public(address: str) -> bool:
    """Whether the address belongs to the public internet, however it is spelled."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def masked(url: str) -> str:
    """Return the URL without what may be a secret in it: only scheme and host are shown."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    host = rest.split("/")[0].rpartition("@")[2]
    return f"{scheme[:10]}://{host[:100]}/…"


def _is_named(host: str, port: int) -> bool:
    name = host if port == HTTPS else f"{host}:{port}"
    return any(fnmatchcase(name.lower(), named.lower()) for named in options().alert_hosts)


def _origin(scheme: str, host: str, port: int) -> str:
    usual = HTTPS if scheme == "https" else 80
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"
