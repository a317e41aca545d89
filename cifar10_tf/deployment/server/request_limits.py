"""What a request may take: bytes, and time to send them."""

import asyncio
import logging
import re
from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

_log = logging.getLogger(__name__)

MAX_BYTES = 16_000_000

# Of all requests that are being sent or answered.
_MAX_BYTES_IN_ALL = 16 * MAX_BYTES

MAX_SECONDS = 30.0

# Nothing of another host, nothing kept, no frame around it.
_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; "
        b"img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class _RefusedError(Exception):
    def __init__(self, status: int, error: str):
        super().__init__(error)
        self._status = status

    def answer(self) -> JSONResponse:
        headers = {"Connection": "close"}  # the rest is not read
        if self._status == 429:
            headers["Retry-After"] = "1"
        return JSONResponse({"error": str(self)}, self._status, headers)


class RequestLimits:
    """ASGI middleware: reads each body within limits, then passes it on.

    Every answer gets the headers that keep a browser to this page, and what
    fails inside is an answer, too.
    """

    def __init__(self, app: Any, *, own_hosts: Collection[str] | None = None):
        """Wraps an application.

        Args:
            app: it.
            own_hosts: the names by which it may be asked; without them by any.
                A page of another host could make its name lead here.
        """
        self._app = app
        self._own_hosts = own_hosts
        self._num_bytes = 0  # of all requests

    async def __call__(self, scope, receive, send) -> None:
        """Handles a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_with_headers(message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        body = bytearray()
        try:
            self._check_origin(scope)
            if await self._read_in_time(scope, receive, body):
                whole = _replay(body, receive)
                await self._app(scope, whole, send_with_headers)
        except Exception as error:
            if has_begun:
                raise
            if not isinstance(error, _RefusedError):
                _log.exception("a request failed")
                error = _RefusedError(
                    500, "the server failed; its log says why"
                )
            await error.answer()(scope, receive, send_with_headers)
        finally:
            self._num_bytes -= len(body)

    def _check_origin(self, scope) -> None:
        headers = Headers(scope=scope)
        host = re.sub(r":\d+$", "", headers.get("host", ""))
        if self._own_hosts is not None and host not in self._own_hosts:
            raise _RefusedError(403, f"{host!r} is no name of this server")
        is_link = scope["method"] == "GET"
        if headers.get("sec-fetch-site") == "cross-site" and not is_link:
            raise _RefusedError(403, "asked by a page of another host")

    async def _read_in_time(self, scope, receive, body: bytearray) -> bool:
        try:
            async with asyncio.timeout(MAX_SECONDS):
                return await self._read(scope, receive, body)
        except TimeoutError:
            raise _RefusedError(
                408, f"not sent within {MAX_SECONDS:g} seconds"
            ) from None

    async def _read(self, scope, receive, body: bytearray) -> bool:
        """Returns whether all came; otherwise the client has gone."""
        length = Headers(scope=scope).get("content-length", "0")
        # Servers refuse what is no number.
        if length.isdecimal() and int(length) > MAX_BYTES:
            raise _RefusedError(413, f"more than {MAX_BYTES:,} bytes")
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk = message.get("body", b"")
            body += chunk
            self._num_bytes += len(chunk)
            if len(body) > MAX_BYTES:
                raise _RefusedError(413, f"more than {MAX_BYTES:,} bytes")
            if self._num_bytes > _MAX_BYTES_IN_ALL:
                raise _RefusedError(429, "too much is being sent; try again")
            if not message.get("more_body"):
                return True


def _replay(body: bytearray, receive):
    """Returns a `receive` that gives the whole body at once."""
    messages = [
        {"type": "http.request", "body": bytes(body), "more_body": False}
    ]

    async def receive_whole():
        return messages.pop() if messages else await receive()

    return receive_whole
