"""A TCP proxy that loses, resets, refuses and delays what passes through it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

STARTS_WITHIN = 10.0  # seconds


@dataclass(slots=True, eq=False)
class _Connection:
    """One client's connection and ours to the server for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    reply_lost: bool = False

    def reset(self) -> None:
        """End both sides with a reset, as a crash of the way between them would."""
        for side in (self.client, self.server):
            _reset(side)


class Proxy:
    """Passes connections on to `target` (host and port, or a Unix socket), from a free port.

    It runs in a thread of its own from entering to leaving. All methods may be called from any
    thread.
    """

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self.target = target
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._live: set[_Connection] = set()
        self._refusing = False
        self._passing: asyncio.Event | None = None
        self._loses_reply_in = -1

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(STARTS_WITHIN):
            raise RuntimeError("The proxy did not start.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._end)
        self._thread.join(STARTS_WITHIN)

    # Faults.

    def cut(self) -> None:
        """Reset every connection there is. New ones are welcome."""
        self._call(self._cut)

    def refuse(self) -> None:
        """Reset every connection, and each new one, until `welcome`."""
        self._refusing = True
        self.cut()

    def welcome(self) -> None:
        """Take new connections again."""
        self._refusing = False

    def silence(self) -> None:
        """Pass nothing on, in either direction, until `speak`; nothing is lost."""
        self._call(self._silence)

    def speak(self) -> None:
        """Pass on what was held back, and all that comes."""
        self._call(self._pass)

    def lose_reply(self, number: int) -> None:
        """Pass the next request but `number` on to the server, and reset instead of its reply."""
        self._loses_reply_in = number

    # In the thread.

    def _call(self, function: Callable[[], None]) -> None:
        done = threading.Event()

        def call() -> None:
            function()
            done.set()

        self._loop.call_soon_threadsafe(call)
        done.wait(STARTS_WITHIN)

    def _cut(self) -> None:
        for connection in list(self._live):
            connection.reset()

    def _silence(self) -> None:
        assert self._passing is not None
        self._passing.clear()

    def _pass(self) -> None:
        assert self._passing is not None
        self._passing.set()

    def _end(self) -> None:
        assert self._ended is not None
        self._ended.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._ended, self._passing = asyncio.Event(), asyncio.Event()
        self._passing.set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()
        self._passing.set()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        try:
            reader_there, writer_there = await self._connect()
        except OSError:
            _reset(writer)
            return
        connection = _Connection(client=writer, server=writer_there)
        self._live.add(connection)
        try:
            await asyncio.gather(
                self._pump(reader, writer_there, connection, is_request=True),
                self._pump(reader_there, writer, connection, is_request=False),
            )
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            self._live.discard(connection)

    async def _connect(self) -> Streams:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        connection: _Connection,
        *,
        is_request: bool,
    ) -> None:
        assert self._passing is not None
        try:
            while data := await source.read(65536):
                await self._passing.wait()
                if is_request:
                    self._count(connection)
                elif connection.reply_lost:
                    connection.reset()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            connection.reset()
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                sink.close()

    def _count(self, connection: _Connection) -> None:
        if self._loses_reply_in < 0:
            return
        connection.reply_lost = self._loses_reply_in == 0
        self._loses_reply_in -= 1


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    if found is not None and found.family != socket.AF_UNIX:
        # Closing a socket that lingers for no time sends a reset instead of an orderly end.
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
