"""A web server that hands out iCalendar files over real HTTP, misbehaves on request and remembers what it was asked."""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.simulators.request_log import note

GIGABYTE = 2**30

Answer = Callable[[web.Request], "web.StreamResponse | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class CalendarServer:
    """`/calendar.ics` serves `text`; `fault` names what goes wrong instead, until it is None again."""

    text: str = ""
    fault: str | None = None
    honours_etag: bool = True
    asked: list[Asked] = field(default_factory=list)
    streamed_bytes: int = 0  # of an answer that has no end, or a gigabyte
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/calendar.ics"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        note("ics", request.method, request.path)
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path_qs,
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        if request.path.startswith("/redirect/"):
            raise web.HTTPFound(request.query["to"])
        if request.path != "/calendar.ics":
            raise web.HTTPNotFound(text="nothing here")
        if self.fault is not None:
            return await self._misbehave(request, self.fault)
        etag = f'"{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"'
        if self.honours_etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        headers = {"ETag": etag} if self.honours_etag else {}
        return web.Response(text=self.text, content_type="text/calendar", headers=headers)

    async def _misbehave(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault.isdigit():
            return web.Response(status=int(fault), text="fault", headers={"Retry-After": "120"})
        if fault == "web page":
            return web.Response(text="<!DOCTYPE html><html><body>Sign in</body></html>", content_type="text/html")
        if fault == "empty":
            return web.Response(text="", content_type="text/calendar")
        if fault == "nonsense":
            return web.Response(text="hello", content_type="text/calendar")
        if fault == "cut off":
            return web.Response(text=self.text[: len(self.text) // 2], content_type="text/calendar")
        if fault == "hangs up":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault == "circles":
            raise web.HTTPFound(self.url)
        if fault in ("silent", "drip"):
            response = web.StreamResponse(headers={"Content-Type": "text/calendar"})
            if fault == "drip":
                await response.prepare(request)
            for _ in range(600):
                await asyncio.sleep(0.1)
                if fault == "drip":
                    await response.write(b"B")
            return response
        if fault in ("short", "endless", "gigabyte", "gzip bomb"):
            return await self._stream(request, fault)
        if fault == "gzip":
            packed = gzip.compress(self.text.encode())
            return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "text/calendar"})
        raise AssertionError(fault)

    async def _stream(self, request: web.Request, fault: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/calendar"})
        if fault == "short":
            response.content_length = 10_000
        if fault == "gigabyte":
            response.content_length = GIGABYTE
        if fault == "gzip bomb":
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        if fault == "short":
            await response.write(b"BEGIN:VCALENDAR\r\n")
            assert request.transport is not None
            request.transport.close()
        elif fault == "gzip bomb":
            await response.write(packed_nothing())
        else:
            chunk = b"BEGIN:VCALENDAR\n" * 4096
            try:
                for _ in range(GIGABYTE // len(chunk)):
                    await response.write(chunk)
                    self.streamed_bytes += len(chunk)
            except ConnectionError:
                pass
        return response


@functools.cache
def packed_nothing() -> bytes:
    """100 MB of nothing, packed without ever holding it."""
    packer = zlib.compressobj(level=1, wbits=31)
    return b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(100)), packer.flush()])


@asynccontextmanager
async def calendar_server(text: str = "") -> AsyncIterator[CalendarServer]:
    server = CalendarServer(text=text)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
