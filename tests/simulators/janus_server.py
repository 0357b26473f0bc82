"""Debian's Janus, a conference server that others wrote, with one VideoRoom and one TextRoom; and people who go there.

It runs on this machine's own address: Janus offers no loopback candidates, so a machine needs another IPv4 address.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aioice.ice

from bot.janus_api import Handle, JanusApi
from bot.janus_chat import JanusChat, Written
from bot.opus import SpokenLine, encode
from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer
from config.clock import SystemClock
from web.practice.participant import Spoken, sine

ROOM, PIN_ROOM = 1234, 4321
PIN = "s3cret"
FIRST_MEDIA_PORT, LAST_MEDIA_PORT = 21_000, 29_000
UP_WITHIN_S = 20.0

_JANUS = """
general: {{
  plugins_folder = "{plugins}"
  transports_folder = "{transports}"
  loggers_folder = "/nowhere"
  events_folder = "/nowhere"
  interface = "{address}"
  session_timeout = 10
  debug_level = 4
}}
plugins: {{ disable = "{other_plugins}" }}
transports: {{ disable = "{other_transports}" }}
media: {{ ipv6 = false, rtp_port_range = "{first}-{last}" }}
nat: {{ full_trickle = false, ice_enforce_list = "{address}", mdns = false }}
"""
_WEBSOCKETS = """
general: {{ ws = true, ws_port = {port}, ws_ip = "{address}" }}
"""
_VIDEOROOM = """
room-1234: {{ description = "Talk", publishers = 400, audiocodec = "opus", secret = "adminpwd", notify_joining = true }}
room-4321: {{ description = "Locked", publishers = 20, audiocodec = "opus", pin = "{pin}" }}
room-5555: {{ description = "No chat", publishers = 20, audiocodec = "opus" }}
room-6666: {{ description = "Full", publishers = 1, audiocodec = "opus" }}
"""
_TEXTROOM = """
room-1234: {{ description = "Talk", secret = "adminpwd" }}
room-4321: {{ description = "Locked", pin = "{pin}" }}
room-6666: {{ description = "Full" }}
"""


def own_address() -> str:
    addresses = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)
    if not addresses:
        raise RuntimeError("Janus can't be tried here: this machine has no IPv4 address but loopback")
    return addresses[0]


def _others(folder: Path, *wanted: str) -> str:
    """What is not needed is not loaded: some of it does not start without a configuration of its own."""
    return ",".join(file.name for file in folder.glob("*.so") if not any(name in file.name for name in wanted))


def _free_port(address: str) -> int:
    with socket.socket() as listening:
        listening.bind((address, 0))
        return int(listening.getsockname()[1])


@dataclass(slots=True)
class JanusServer:
    folder: Path
    address: str
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def api(self) -> str:
        return f"ws://{self.address}:{self.port}"

    async def start(self) -> None:
        program = shutil.which("janus")
        if program is None:
            raise RuntimeError("Janus can't be tried here: install Debian's package janus")
        with (self.folder / "janus.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                program,
                "-C",
                str(self.folder / "janus.jcfg"),
                "-F",
                str(self.folder),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        async with asyncio.timeout(UP_WITHIN_S):
            while True:
                if self.process.returncode is not None:
                    raise RuntimeError(
                        f"Janus ended at once with {self.process.returncode}; see {self.folder}/janus.log"
                    )
                try:
                    _, writer = await asyncio.open_connection(self.address, self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def janus_server(folder: Path) -> AsyncIterator[JanusServer]:
    folder.mkdir(parents=True, exist_ok=True)
    address = own_address()
    server = JanusServer(folder, address, _free_port(address))
    home = next(Path("/usr/lib").glob("*/janus"))
    files = {
        "janus.jcfg": _JANUS.format(
            plugins=home / "plugins",
            transports=home / "transports",
            other_plugins=_others(home / "plugins", "videoroom", "textroom"),
            other_transports=_others(home / "transports", "websockets"),
            address=address,
            first=FIRST_MEDIA_PORT,
            last=LAST_MEDIA_PORT,
        ),
        "janus.transport.websockets.jcfg": _WEBSOCKETS.format(address=address, port=server.port),
        "janus.transport.http.jcfg": "general: { http = false, https = false }",
        "janus.plugin.videoroom.jcfg": _VIDEOROOM.format(pin=PIN),
        "janus.plugin.textroom.jcfg": _TEXTROOM.format(pin=PIN),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="ascii")
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@dataclass(slots=True)
class JanusPerson:
    """Somebody in the room by other means than the bot: publishes a tone, reads and writes, may listen to one feed."""

    server: JanusServer
    name: str
    tasks: asyncio.TaskGroup
    room: int = ROOM
    own_id: int | None = None
    clock: SystemClock = field(default_factory=SystemClock)
    read: list[Written] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    api: JanusApi = field(init=False)
    handle: Handle = field(init=False)
    chat: JanusChat | None = None
    voice: SpokenLine | None = None
    peers: list[PacketPeer] = field(default_factory=list)
    number: int = 0
    talking: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.api = JanusApi(tasks=self.tasks, on_over=lambda: None)

    async def join(self, *, publishes: bool = True, writes: bool = True) -> None:
        await self.api.connect(self.server.api)
        self.handle = await self.api.attach("janus.plugin.videoroom")
        wanted = {"request": "join", "ptype": "publisher", "room": self.room, "display": self.name}
        joined, _ = await self.handle.ask(wanted | ({} if self.own_id is None else {"id": self.own_id}))
        self.number = joined["id"]
        if publishes:
            await self.publish()
        if writes:
            await self.open_chat()

    async def open_chat(self) -> None:
        self.chat = JanusChat(
            api=self.api, addresses=(self.server.address,), on_written=self.read.append, on_lost=lambda: None
        )
        await self.chat.join(self.room, username=f"user-{self.number}", shown_name=self.name, pin="")

    async def publish(self) -> None:
        peer = self._peer(self._ignore)
        offer = {"type": "offer", "sdp": await peer.offer()}
        _, answer = await self.handle.ask({"request": "configure", "audio": True, "video": False}, offer)
        assert answer is not None
        await peer.accept(answer["sdp"])
        await asyncio.wait_for(peer.settled.wait(), 10)
        self.voice = SpokenLine(peer.outgoing[0], self.clock)

    async def unpublish(self) -> None:
        self.hush()
        await self.handle.ask({"request": "unpublish"})

    @property
    def seat(self) -> str:
        return str(self.number)

    async def say_packets(self, packets: list[bytes]) -> Spoken:
        assert self.voice is not None
        starts_ms, ends_ms = await self.voice.say(packets)
        return Spoken(start_ms=starts_ms, end_ms=ends_ms, sent_ms=ends_ms - starts_ms)

    async def say(self, hz: float, seconds: float, loudness: float = 0.3) -> tuple[int, int]:
        assert self.voice is not None
        return await self.voice.say(encode(sine(hz, seconds, loudness)))

    def talk(self, hz: float) -> None:
        """Until hushed."""
        self.talking = self.tasks.create_task(self._talk(hz))

    async def _talk(self, hz: float) -> None:
        assert self.voice is not None
        packets = encode(sine(hz, 2.0, 0.3))
        while True:
            await self.voice.say(packets)

    def hush(self) -> None:
        if self.talking is not None:
            self.talking.cancel()
            self.talking = None

    async def listen_to(self, feed: object) -> None:
        handle = await self.api.attach("janus.plugin.videoroom")
        streams = [{"feed": feed, "mid": "0"}]
        _, offer = await handle.ask({"request": "join", "ptype": "subscriber", "room": self.room, "streams": streams})
        assert offer is not None
        peer = self._peer(self._hear)
        await handle.ask({"request": "start"}, {"type": "answer", "sdp": await peer.listen(offer["sdp"])})
        await asyncio.wait_for(peer.settled.wait(), 10)

    async def write(self, text: str) -> None:
        assert self.chat is not None
        await self.chat.write(text, to_name=None)

    async def leave(self) -> None:
        self.hush()
        if self.chat is not None:
            await self.chat.close()
        for peer in self.peers:
            await peer.close()
        await self.api.close()

    def _peer(self, on_packet: object) -> PacketPeer:
        peer = PacketPeer(
            clock=self.clock,
            tasks=self.tasks,
            addresses=(self.server.address,),
            lines=1,
            on_packet=on_packet,  # type: ignore[arg-type]
            on_lost=lambda: None,
        )
        self.peers.append(peer)
        return peer

    async def _hear(self, line: int, packet: RtpPacket, arrival_ms: int) -> None:
        self.heard.append(packet.payload)

    async def _ignore(self, line: int, packet: RtpPacket, arrival_ms: int) -> None:
        return
