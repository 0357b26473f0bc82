"""Servers of others that run on Node: installed once from the lock file beside each, started, stopped."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

START_S, INSTALL_S = 60, 300


def node_is_missing() -> str:
    """Why none can run on this machine; "" where they can."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed: run `make setup-test`" if missing else ""


def install(folder: Path) -> None:
    if (folder / "node_modules" / ".package-lock.json").exists():
        return
    npm = shutil.which("npm")
    assert npm is not None, node_is_missing()
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_S)


@asynccontextmanager
async def node_server(program: Path, given: bytes = b"") -> AsyncIterator[str]:
    """Its origin; the program reads `given` and prints its port."""
    await asyncio.to_thread(install, program.parent)
    node = shutil.which("node")
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node, str(program), cwd=program.parent, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
        async with asyncio.timeout(START_S):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
