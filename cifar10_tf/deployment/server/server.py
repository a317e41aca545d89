"""The server: a socket, and the application behind it, until it is stopped."""

import asyncio
import socket

import uvicorn

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
    except OSError as error:
        raise UserError(
            f"--host={host} --port={port} can't be listened on "
            f"({error.strerror}); choose another --port, or 0 for any."
        ) from error


def serve(app, listening: socket.socket) -> None:
    """Answers requests until SIGINT or SIGTERM; then ends what has begun."""
    Server(config(app)).run([listening])


class Server(uvicorn.Server):
    """uvicorn's, but whoever is connected at the end is answered yet."""

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
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SEC,
    )
