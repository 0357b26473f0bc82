"""A real CalDAV server (Radicale) on loopback, the host's own calendar program at it, and a front door that notes what
is asked there, spreads it over more addresses, and misbehaves on request.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from caldav.davclient import DAVClient

from tests.simulators.request_log import note
from tests.simulators.server import free_port

_UP_LIMIT_S = 60
_PASSED_ON = ("Authorization", "Content-Type", "Depth", "User-Agent", "Accept")


@dataclass(slots=True)
class Radicale:
    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def start(self) -> None:
        """Until it takes requests."""
        self._write_passwords()
        command = [
            sys.executable, "-m", "radicale", "--config", "", "-H", f"127.0.0.1:{self.port}",
            f"--storage-filesystem-folder={self.folder / 'collections'}", "--auth-type=htpasswd",
            f"--auth-htpasswd-filename={self.folder / 'users'}", "--auth-htpasswd-encryption=plain", "--auth-delay=0",
            "--server-delay-on-error=0", "--logging-level=info", *self.options,
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + _UP_LIMIT_S
        while not self._listens():
            assert self.process.poll() is None, self.log[-2_000:]
            assert time.monotonic() < until, "Radicale did not come up"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def set_password(self, user: str, password: str) -> None:
        """Of a new user too; counts from the next request."""
        self.passwords[user] = password
        self._write_passwords()

    def forget_tokens(self) -> None:
        """As if its history had been cleaned: no sync-token that it gave is known any more."""
        for token in (self.folder / "collections").rglob("sync-token/*"):
            token.unlink()

    def _write_passwords(self) -> None:
        lines = [f"{user}:{password}\n" for user, password in self.passwords.items()]
        (self.folder / "users").write_text("".join(lines))


@contextmanager
def radicale(folder: Path, *options: str) -> Iterator[Radicale]:
    server = Radicale(folder, free_port(), options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class CalendarProgram:
    """The host's own: writes into the calendar, by the caldav library."""

    def __init__(self, server: Radicale, user: str) -> None:
        self._client = DAVClient(
            server.url,
            username=user,
            password=server.passwords[user],
            auth_type="basic",
            enable_rfc6764=False,
            features={"http.multiplexing": {"support": "unsupported"}},
        )
        self.home = f"{server.url}{user}/"

    async def make_calendar(self, name: str, title: str = "", properties: str = "") -> str:
        """Its address."""
        body = (
            '<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
            f"<D:displayname>{title or name}</D:displayname>{properties}</D:prop></D:set></C:mkcalendar>"
        )
        await self._do(self._client.mkcalendar, f"{self.home}{name}/", body)
        return f"{self.home}{name}/"

    async def put(self, calendar: str, name: str, text: str) -> None:
        await self._do(self._client.put, f"{calendar}{name}.ics", text, {"Content-Type": "text/calendar"})

    async def delete(self, calendar: str, name: str) -> None:
        await self._do(self._client.delete, f"{calendar}{name}.ics")

    async def delete_calendar(self, calendar: str) -> None:
        await self._do(self._client.delete, calendar)

    def close(self) -> None:
        self._client.close()

    async def _do(self, method: Any, *arguments: Any) -> None:
        response = await asyncio.to_thread(method, *arguments)
        assert response.status in (200, 201, 204), (response.status, response.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(slots=True, kw_only=True)
class Front:
    """In front of a Radicale. `fault` names what goes wrong instead of an answer; `edit` changes answers."""

    behind: str
    seen: list[Seen] = field(default_factory=list)
    fault: str | None = None
    only_for: str = ""  # the fault is for requests that hold this in their body or path
    edit: Callable[[Seen, str], str] | None = None
    instead: Callable[[Seen], str | None] | None = None  # an answer that is not asked for behind
    redirects: dict[str, str] = field(default_factory=dict)  # path to address
    after: Callable[[Seen], Any] | None = None  # awaited once an answer is on its way
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def through(self, address: str) -> str:
        """The same place, by this door."""
        return address.replace(self.behind, self.url)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        note("caldav", request.method, request.path)
        try:
            return await self._answer(request)
        except aiohttp.ClientError:
            return web.Response(status=502)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        seen = Seen(method=request.method, path=request.path_qs, headers=dict(request.headers), body=body)
        self.seen.append(seen)
        if (target := self.redirects.get(request.path)) is not None:
            return web.Response(status=301, headers={"Location": target})
        if self.fault is not None and (self.only_for in body or self.only_for in request.path):
            return await self._misbehave(request, self.fault)
        if self.instead is not None and (ready := self.instead(seen)) is not None:
            return _xml(ready)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with (
            aiohttp.ClientSession(auto_decompress=True) as session,
            session.request(
                request.method, self.behind.rstrip("/") + request.raw_path, data=body.encode(), headers=headers
            ) as response,
        ):
            text = await response.text()
            if self.edit is not None:
                text = self.edit(seen, text)
            kept = {name: response.headers[name] for name in ("WWW-Authenticate", "DAV") if name in response.headers}
            kept["Content-Type"] = response.headers.get("Content-Type", "text/plain")
            answer = web.Response(status=response.status, body=text.encode(), headers=kept)
        if self.after is not None:
            await self.after(seen)
        return answer

    async def _misbehave(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault.isdigit():
            return web.Response(status=int(fault), text="fault", headers={"Retry-After": "120"})
        if fault == "web page":
            return web.Response(text="<!DOCTYPE html>\n<html><body>Sign in</body></html>", content_type="text/html")
        if fault == "cut off":
            return _xml('<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/a</D:h')
        if fault == "nonsense":
            return _xml('<?xml version="1.0"?><note xmlns="urn:x"/>')
        if fault == "entities":
            return _xml(
                f'<?xml version="1.0"?><!DOCTYPE m [{_laughs()}]><D:multistatus xmlns:D="DAV:">&z;</D:multistatus>'
            )
        if fault == "outside":
            entity = '<!ENTITY z SYSTEM "file:///etc/hostname">'
            return _xml(f'<!DOCTYPE m [{entity}]><D:multistatus xmlns:D="DAV:">&z;</D:multistatus>')
        if fault in ("circles", "http"):
            return web.Response(status=302, headers={"Location": str(request.url)})
        if fault == "hangs up":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        response = web.StreamResponse(status=207, headers={"Content-Type": "application/xml"})
        await response.prepare(request)
        try:
            if fault == "endless":
                for _ in range(10_000):
                    await response.write(b"<a>" * 32_768)
            else:
                assert fault == "drip", fault
                for _ in range(600):
                    await response.write(b" ")
                    await asyncio.sleep(0.1)
        except ConnectionError:
            pass
        return response


def _xml(text: str) -> web.Response:
    return web.Response(status=207, body=text.encode(), content_type="application/xml")


def _laughs() -> str:
    """A hundred million of them, if anybody counted."""
    names = "abcdefghz"
    return '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names)
    )


@asynccontextmanager
async def front_of(server: Radicale) -> AsyncIterator[Front]:
    front = Front(behind=server.url)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", front.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    front.port = runner.addresses[0][1]
    try:
        yield front
    finally:
        await runner.cleanup()


def methods_in(log: str) -> set[str]:
    """All that Radicale says it was asked by our reader."""
    return {match[1] for match in re.finditer(r"\] (\w+) request for .* using 'onrecord calendar reader'", log)}
