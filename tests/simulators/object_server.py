"""A real S3 server (SeaweedFS) on loopback, for as long as a test needs it, and a line to it that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.simulators.server import free_port

KEY, SECRET = "test-key", "test-secret"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
_NAMES = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
_UP_LIMIT_S = 60


@dataclass(slots=True)
class ObjectServer:
    """Makes a bucket with the first object that is put into it."""

    folder: Path
    port: int
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Until it takes requests."""
        options = [f"-{name}={port}" for name, port in self.ports.items()]
        command = [
            str(Path(sys.executable).parent / "weed"), "-logtostderr=true", "server", f"-dir={self.folder}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64",
            "-volume.max=20", "-filer", "-s3", f"-s3.port={self.port}", f"-s3.config={self.folder / 's3.json'}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", *options,
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + _UP_LIMIT_S
        while not self._takes_requests():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2_000:]
            assert time.monotonic() < until, "the object server did not come up"
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _takes_requests(self) -> bool:
        """A put that lands: the gateway answers before there is a volume to write to."""
        import obstore
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        store = S3Store(
            "ready-check",
            config={
                "endpoint": self.endpoint,
                "region": "us-east-1",
                "access_key_id": KEY,
                "secret_access_key": SECRET,
            },
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        try:
            obstore.put(store, "ready", b"ready", use_multipart=False)
        except (BaseError, OSError):
            return False
        return True


class Line:
    """A way to the server that can be cut and mended; to whoever uses it, a server that went away and came back."""

    def __init__(self, server: ObjectServer) -> None:
        self._server = server
        self._port = free_port()
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", self._port)

    async def cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            for writer in self._open:
                writer.close()
            self._listener = None
            await asyncio.sleep(0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        self._open |= {writer, to_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pass_on(reader, to_writer), _pass_on(to_reader, writer))
        self._open -= {writer, to_writer}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65_536):
        writer.write(content)
        await writer.drain()
    writer.close()


@contextlib.contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    folder.mkdir(parents=True, exist_ok=True)
    identity = {
        "name": "test",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    server = ObjectServer(folder, free_port(), {name: free_port() for name in (*_NAMES, "s3.port.grpc")})
    try:
        server.start()
        yield server
    finally:
        server.stop()
