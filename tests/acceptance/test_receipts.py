"""In a running meeting: somebody agrees on the page, has the receipt while the call goes on, and checks it alone.

The server, the bot and the room are real processes; the check is the command, in a folder that knows nothing of them.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from config.page_form import fill_in_page
from consent_notice.words import Rule
from tests.simulators.page_visit import link_in
from tests.simulators.server import RunningServer, running_server

NAME = "Zoë Łukasz 李"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path / "data", roles=("web", "bots", "practice")) as running:
        yield running


def verified(folder: Path, page: bytes) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    (folder / "receipt.html").write_bytes(page)
    command = [sys.executable, "-P", "-m", "config.cli", "receipt", "verify", "receipt.html", "--key", "key.txt"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.timeout(120)
async def test_the_receipt_is_there_during_the_call_and_holds_without_the_server(
    server: RunningServer, tmp_path: Path
) -> None:
    meeting = await server.meeting(Rule.EVERYONE)
    person = server.person(meeting, NAME)
    outside = tmp_path / "outside"
    await person.join()
    try:
        notice = await person.wait_for_chat(lambda message: message.is_notice)
        link = link_in(notice.text)
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:

            async def fetch(address: str) -> bytes:
                async with browser.get(address) as answer:
                    assert answer.status == 200, await answer.text()
                    return await answer.read()

            code = await fill_in_page(browser, link)
            async with browser.get(f"{link}/receipt.html") as answer:
                assert answer.status == 404
            await person.wait_until(lambda: person.bot_seat is not None)
            await person.chat(code, to=person.bot_seat)
            await person.wait_until(lambda: person.kept is True)
            given = await fetch(f"{link}/receipt.html")
            outside.mkdir()
            (outside / "key.txt").write_bytes(await fetch(f"{server.settings.public_url}/key.txt"))
            await person.chat("stop")
            withdrawn = b""
            async with asyncio.timeout(10):  # the gate shuts first, and the entry follows
                while b"<h1>You took it back</h1>" not in withdrawn:
                    withdrawn = await fetch(f"{link}/receipt.html")
    finally:
        await person.leave()
    for page, standing in ((given, "given"), (withdrawn, "withdrawn")):
        ended = verified(outside, page)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        assert f"person: {NAME}" in ended.stdout
        assert f"recording: {standing}" in ended.stdout
        assert re.search(r"entries \d+(, \d+)+ of the \d+", ended.stdout)
    changed = verified(outside, withdrawn.replace(b"<h1>", b"<h1> "))
    assert changed.returncode == 1
    assert len(changed.stdout.splitlines()) == 1
