"""A Google emulator by others (npm `@emulators/google`): sign-in and lists of calendars and events, as they read
Google's documentation. It knows no sync tokens, no series and no notices; for those see `google_calendar`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

FOLDER = Path(__file__).with_name("google_emulator")
START_S, INSTALL_S = 60, 300


def node_is_missing() -> str:
    """Why it can't run on this machine; "" where it can."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed: run `make setup-test`" if missing else ""


def install_emulator() -> None:
    """From the lock file beside it, once."""
    if (FOLDER / "node_modules" / ".package-lock.json").exists():
        return
    npm = shutil.which("npm")
    assert npm is not None
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, timeout=INSTALL_S)


@asynccontextmanager
async def google_emulator(seed: Mapping[str, object]) -> AsyncIterator[str]:
    """Its origin."""
    await asyncio.to_thread(install_emulator)
    node = shutil.which("node")
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node, str(FOLDER / "server.mjs"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(seed).encode())
        process.stdin.close()
        async with asyncio.timeout(START_S):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
