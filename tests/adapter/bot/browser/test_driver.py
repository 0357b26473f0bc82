"""Browsers that share one Playwright: it is there while one of them is, and its death is no end for the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest
from aiohttp import web

from bot.browser.driver import Chromium, NoDriver, PageFailed, Pilot
from tests.simulators.page_stay import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<p>here</p>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_one_that_is_closed_while_it_opens_leaves_no_browser_behind(address: str) -> None:
    pilot = Pilot()
    chromium = Chromium(program=CHROMIUM, on_gone=lambda: None, pilot=pilot)
    opening = asyncio.ensure_future(chromium.open(address, tap="ws://127.0.0.1:9/none", hooks=""))
    async with asyncio.timeout(20):
        while not pilot._flown:  # it is being launched
            await asyncio.sleep(0)
    await chromium.close()
    with pytest.raises(PageFailed):
        await opening
    assert not pilot._flown
    assert not browsers()


async def test_where_the_driver_does_not_start_that_is_said_with_what_to_install(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a library of its own is missing, which Debian's chromium does not bring."""
    monkeypatch.setattr("playwright._impl.transport.compute_driver_executable", lambda: ("/bin/false", ""))
    with pytest.raises(NoDriver):
        await opened(Pilot(), address, [])
    assert "libatomic1" in str(NoDriver.__doc__)
    await asyncio.sleep(0.3)  # Playwright does not wait for a driver that died; the loop does, while it runs


def browsers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name() == "chromium"]


def programs() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "playwright" in " ".join(child.cmdline())]


async def opened(pilot: Pilot, address: str, gone: list[str]) -> Chromium:
    chromium = Chromium(program=CHROMIUM, on_gone=lambda: gone.append("gone"), pilot=pilot)
    await chromium.open(address, tap="ws://127.0.0.1:9/none", hooks="")
    return chromium


async def test_browsers_share_one_program_and_its_death_is_no_end_for_the_next(address: str) -> None:
    before, gone, pilot = len(programs()), list[str](), Pilot()
    first, second = await opened(pilot, address, gone), await opened(pilot, address, gone)
    assert len(programs()) == before + 1
    await first.close()
    assert await second.ask("document.body.innerText") == "here"
    programs()[-1].kill()
    with pytest.raises(PageFailed):
        await second.ask("1")
    with pytest.raises(PageFailed):
        await opened(pilot, address, gone)  # where its death shows
    third = await opened(pilot, address, [])  # though the second is not closed yet
    async with asyncio.timeout(10):
        await second.close()
    assert await third.ask("document.body.innerText") == "here"
    await third.close()
    await third.close()
    await asyncio.sleep(0.3)  # as below
    assert len(programs()) == before
    assert not browsers()
