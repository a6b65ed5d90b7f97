"""The proxy's faults, on real sockets."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from chaos.proxy import Proxy

PATIENCE = 10.0
AT_ONCE = 0.2  # seconds within which an answer would long have come


class Echo(socketserver.BaseRequestHandler):
    """Answers what it is told."""

    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.server.heard.append(data)  # type: ignore[attr-defined]
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    """Remembers what it heard."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.heard: list[bytes] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    host, port = server.server_address[:2]
    with Proxy((str(host), int(port))) as made:
        yield made


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as made:
        assert ask(made, b"hello") == b"hello"
        yield made


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)


def ask(client: socket.socket, question: bytes) -> bytes:
    client.sendall(question)
    return client.recv(1024)


def test_a_cut_resets_what_is_open_and_welcomes_what_comes(
    proxy: Proxy, client: socket.socket
) -> None:
    proxy.cut()

    with pytest.raises(ConnectionError):
        ask_until_noticed(client)
    with connect(proxy) as another:
        assert ask(another, b"again") == b"again"


def test_a_refusing_proxy_resets_new_connections_until_it_welcomes_them(proxy: Proxy) -> None:
    proxy.refuse()

    with pytest.raises(ConnectionError), connect(proxy) as refused:
        ask_until_noticed(refused)
    proxy.welcome()
    with connect(proxy) as welcome:
        assert ask(welcome, b"again") == b"again"


def test_a_silent_proxy_holds_back_and_loses_nothing(proxy: Proxy, client: socket.socket) -> None:
    proxy.silence()
    client.settimeout(AT_ONCE)

    with pytest.raises(TimeoutError):
        ask(client, b"held")
    proxy.speak()
    client.settimeout(PATIENCE)
    assert client.recv(1024) == b"held"


def test_a_lost_reply_is_one_whose_request_arrived(
    proxy: Proxy, server: Server, client: socket.socket
) -> None:
    proxy.lose_reply(1)

    assert ask(client, b"first") == b"first"
    with pytest.raises(ConnectionError):
        ask_until_noticed(client, b"second")
    assert server.heard == [b"hello", b"first", b"second"]
    with connect(proxy) as another:
        assert ask(another, b"third") == b"third"


def test_a_server_that_is_not_there_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    with (
        Proxy(("127.0.0.1", port)) as proxy,
        pytest.raises(ConnectionError),
        connect(proxy) as client,
    ):
        ask_until_noticed(client)


def ask_until_noticed(client: socket.socket, question: bytes = b"?") -> None:
    """Ask once; an orderly end counts as one that was noticed too."""
    if not ask(client, question):
        raise ConnectionResetError
