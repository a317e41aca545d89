"""The server: a socket, and the application behind it, until it is stopped."""

import asyncio
import logging
import socket
import time
from typing import Any

import uvicorn

from cifar10_tf.deployment.server import request_limits
from cifar10_tf.system.errors import UserError

# Connections; more are refused.
_MAX_CONNECTIONS = 512

# What has begun is finished before the end, but not for ever.
_GRACE_SEC = 30

# Who has connected just before the end sends a request within that time.
_LAST_REQUESTS_SEC = 0.5


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that connections may come to; 0: any free port.

    Raises:
        UserError: it can't be had.
    """
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"--host={host} --port={port} can't be listened on ({reason}); "
            "choose another --port, or 0 for any."
        ) from error


def serve(app, listening: socket.socket) -> None:
    """Answers requests until SIGINT or SIGTERM; then ends what has begun."""
    Server(config(app)).run([listening])


class Server(uvicorn.Server):
    """uvicorn's, but nobody who is connected is forgotten.

    Who sends no whole head of a request in time is let go, and who is
    connected at the end is answered yet.
    """

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self._idle_since: dict[tuple[Any, Any], float] = {}

    async def on_tick(self, counter: int) -> bool:
        """Does what is due ten times a second."""
        if counter % 10 == 0:
            self._let_go_of_idle()
        return await super().on_tick(counter)

    def _let_go_of_idle(self) -> None:
        now = time.monotonic()
        # A connection's cycle is its latest request.
        self._idle_since = {
            (connection, connection.cycle): self._idle_since.get(
                (connection, connection.cycle), now
            )
            for connection in self.server_state.connections
            if not connection.cycle or connection.cycle.response_complete
        }
        for (connection, _), since in self._idle_since.items():
            if now - since > request_limits.MAX_SECONDS:
                connection.transport.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None):
        """Lets in nobody else, answers who is there, and ends."""
        for listening in sockets or []:
            listening.listen(0)  # nobody else waits to be let in
        await asyncio.sleep(0.05)  # in which who waits already is let in
        for server in self.servers:
            server.close()
        # uvicorn would close connections whose request is still on its way: of
        # 32 clients that connect anew for each request it lost 13.
        await asyncio.sleep(_LAST_REQUESTS_SEC)
        await super().shutdown(sockets)


def config(app) -> uvicorn.Config:
    """Returns how an application is served."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        ws="none",
        log_level="error",  # what is sent is not worth a line each
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SEC,
    )
