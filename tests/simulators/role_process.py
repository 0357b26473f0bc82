"""A role's process with nothing in it: listens where its role listens, misbehaves as files in the data directory say.

`crash-NAME`: fails at once. `stubborn-NAME`: does not hear SIGTERM. `child-NAME`: starts a process of its own.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

from config import role
from config.settings import Settings
from config.supervisor import port_of


async def body(name: str, settings: Settings) -> None:
    def told(what: str) -> bool:
        return (settings.data_dir / f"{what}-{name}").exists()

    if told("crash"):
        raise RuntimeError("Ada said: this must not be logged")
    if told("stubborn"):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if told("child"):
        child = subprocess.Popen(["sleep", "600"])
        (settings.data_dir / f"child-{name}").write_text(str(child.pid))
    address = port_of(settings, name)
    if address is None:
        await asyncio.Event().wait()
        return

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, address[0], address[1])
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    role.die_with(int(sys.argv[2]))
    given = Settings.model_validate_json(sys.stdin.buffer.read())
    sys.exit(role.run(sys.argv[1], given, body, terminal_level="error"))
