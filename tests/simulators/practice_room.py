"""A practice room to test against: in this process, or in one of its own that can be killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from config.clock import SystemClock, new_id
from web.practice.app import create_practice_app

SERVE = """
import sys
from aiohttp import web
from config.clock import SystemClock, new_id
from web.practice.app import create_practice_app
app = create_practice_app(clock=SystemClock(), new_id=new_id, host="127.0.0.1")
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda text: print(text, flush=True))
"""


@asynccontextmanager
async def practice_room(code: str = "test-room", port: int = 0) -> AsyncIterator[str]:
    """The link of a room in a server of this process."""
    app = create_practice_app(clock=SystemClock(), new_id=new_id, host="127.0.0.1")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/room/{code}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def practice_process(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server process on that port, ready; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined] # its pipe
