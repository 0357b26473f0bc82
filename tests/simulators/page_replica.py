"""What the page replicas of all platforms share: a page on https that shows what its page script's own description
says, tells what was clicked, typed and written there, and has a call whose lines of sound are sent packet by packet.

A replica proves our logic, not the live service.
"""

from __future__ import annotations

import asyncio
import html
import re
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import web
from aiortc import RTCSessionDescription
from aiortc.sdp import SessionDescription

from bot.browser.script import Look, Sign
from bot.opus import encode
from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer
from config.clock import SystemClock
from tests.simulators.certificate_authority import certificate_authority
from web.practice.participant import sine

PAGE = """<!doctype html><title>Replica</title><div id="stage"></div><div id="sound"></div><script>
const state = new WebSocket(`wss://${location.host}/replica/state`);
const tell = (message) => state.send(JSON.stringify(message));
const told = {};  // what the server says -> what is done about it
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) tell({ clicked: button.getAttribute("aria-label") || button.innerText || button.id || button.className });
});
document.addEventListener("keydown", (event) => {
  const { target } = event, isBox = target.tagName === "TEXTAREA" || target.isContentEditable;
  if (event.key !== "Enter" || !isBox) return;
  event.preventDefault();
  tell({ chat: target.tagName === "TEXTAREA" ? target.value : target.innerText });
  if (target.tagName === "TEXTAREA") target.value = ""; else target.innerText = "";
});
document.addEventListener("input", ({ target }) => { if (target.tagName === "INPUT") tell({ typed: target.value }); });
state.onmessage = async ({ data }) => {
  if (!data.startsWith("{")) return;  // a frame of a platform's own socket
  const said = JSON.parse(data);
  for (const [name, value] of Object.entries(said)) if (told[name]) await told[name](value);
};
told.html = (content) => { document.getElementById("stage").innerHTML = content; };
told.offer = async (sdp) => {
  const call = new RTCPeerConnection();
  call.ontrack = ({ track }) => {
    const audio = new Audio();
    audio.autoplay = true;
    audio.srcObject = new MediaStream([track]);
    document.getElementById("sound").append(audio);
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  await call.setRemoteDescription({ type: "offer", sdp });
  const [first] = call.getTransceivers();
  first.direction = "sendonly";
  await first.sender.replaceTrack(stream.getAudioTracks()[0]);
  await call.setLocalDescription(await call.createAnswer());
  await new Promise((done) => {
    const check = () => { if (call.iceGatheringState === "complete") done(); };
    call.onicegatheringstatechange = check;
    check();
  });
  tell({ answer: call.localDescription.sdp });
};
</script><script>PART</script>"""


def rendered(sign: Sign) -> str:
    """An element that the sign fits."""
    tag = re.match(r"[a-z]+", sign.css)
    name = "p" if tag is None or tag[0] == "body" else tag[0]
    attributes = "".join(f' {key}="{value}"' for key, value in re.findall(r'\[([\w-]+)[\^*]?="([^"]*)"', sign.css))
    attributes += "".join(f' id="{value}"' for value in re.findall(r"#([\w-]+)", sign.css))
    attributes += "".join(f' class="{value}"' for value in re.findall(r"\.([\w-]+)", sign.css)[:1])
    text = html.escape(sign.texts[0].replace("'", "’")) if sign.texts else ""  # as the platforms write it
    if name == "iframe":
        return f'<iframe{attributes} width="300" height="150" srcdoc="-"></iframe>'
    return f"<{name}{attributes}>{text or 'x'}</{name}>"


def shown(look: Look) -> str:
    return "".join(rendered(sign) for sign in look.signs[:1])


def each_sign(look: Look) -> list[str]:
    """A page for each way in which the look can be recognised."""
    return [
        rendered(Sign(css=sign.css, texts=sign.texts[number : number + 1]))
        for sign in look.signs
        for number in range(max(1, len(sign.texts)))
    ]


class Caller(PacketPeer):
    """The platform's side of a call: it offers a line for the page's microphone, and sends on the others."""

    async def call(self, ids: Sequence[tuple[str, str]]) -> str:
        """The SDP of an offer; `ids` of stream and track, a line."""
        self._add_lines(first="recvonly", others="sendonly")
        for transceiver, (stream_id, track_id) in zip(self._pc.getTransceivers()[1:], ids, strict=True):
            transceiver.sender._stream_id, transceiver.sender._track_id = stream_id, track_id
        await self._gather()
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return str(self._pc.localDescription.sdp)

    async def take_answer(self, sdp: str) -> None:
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        self._note_sources(SessionDescription.parse(sdp))
        self._default_line = 0
        self._start(sending=list(range(1, self._lines)))


class PageReplica:
    """A platform's replica says what is its own by the class variables, and by a part of the page in JavaScript."""

    PART: ClassVar[str] = ""
    ADDRESS: ClassVar[str]  # as the bot's link has it
    LINES: ClassVar[Sequence[tuple[str, str]]] = (("s0", "t0"), ("s1", "t1"), ("s2", "t2"))  # of stream, of track

    def __init__(self, tasks: asyncio.TaskGroup, first: str) -> None:
        """`first`: what the page shows when it is opened."""
        self.flags: tuple[str, ...] = ()
        self.opened: list[str] = []  # addresses
        self.did: list[dict[str, Any]] = []
        self.heard: list[bytes] = []
        self.first = first
        self.state: web.WebSocketResponse | None = None
        self.peer: Caller | None = None
        self._tasks = tasks
        self._speaking: dict[int, asyncio.Task[None]] = {}
        self._number: dict[int, int] = {}
        self._sent: dict[int, int] = {}

    async def say(self, **said: Any) -> None:
        assert self.state is not None
        await self.state.send_json(said)

    async def show(self, content: str) -> None:
        await self.say(html=content)

    async def until(self, key: str, value: object = None, within_s: float = 15) -> Any:
        """What was told under that key; with `value`, once it was that."""
        async with asyncio.timeout(within_s):
            while True:
                for done in self.did:
                    if key in done and value in (None, done[key]):
                        return done[key]
                await asyncio.sleep(0.02)

    async def is_open(self, within_s: float = 15) -> None:
        async with asyncio.timeout(within_s):
            while self.state is None:
                await asyncio.sleep(0.02)

    async def enter(self, content: str) -> None:
        """Lets the bot in: its call is connected."""
        await self.show(content)
        self.peer = Caller(
            clock=SystemClock(),
            tasks=self._tasks,
            addresses=("127.0.0.1",),
            lines=1 + len(self.LINES),
            on_packet=self._take_packet,
            on_lost=lambda: None,
        )
        await self.say(offer=await self.peer.call(self.LINES))
        await self.peer.take_answer(await self.until("answer"))
        async with asyncio.timeout(10):
            await self.peer.settled.wait()

    async def did_what(self, done: dict[str, Any]) -> None:
        """A platform's own answer to what was done in the page."""

    def ssrc(self, line: int) -> int:
        assert self.peer is not None
        return self.peer.outgoing[line + 1].ssrc

    def speaks(self, line: int, hz: float, csrcs: tuple[int, ...] = ()) -> None:
        """From now on this is what comes on that line."""
        self.hush(line)
        self._speaking[line] = self._tasks.create_task(self._speak(line, hz, csrcs))

    def hush(self, line: int) -> None:
        if line in self._speaking:
            self._speaking.pop(line).cancel()

    async def _speak(self, line: int, hz: float, csrcs: tuple[int, ...]) -> None:
        assert self.peer is not None
        packets = encode(sine(hz, 2.0, 0.3))
        out = self.peer.outgoing[line + 1]
        while True:
            number = self._number[line] = self._number.get(line, -1) + 1
            head = struct.pack(
                "!BBHII", 0x80 | len(csrcs), out._payload_type, number & 0xFFFF, number * 960 & 0xFFFFFFFF, out.ssrc
            )
            named = b"".join(struct.pack("!I", csrc) for csrc in csrcs)
            if self.forwards(line):
                self._sent[line] = self._sent.get(line, 0) + 1
                with suppress(ConnectionError):
                    await self.peer._transport._send_rtp(head + named + packets[number % len(packets)])
            await asyncio.sleep(0.02)

    def sent(self, line: int) -> int:
        """Packets, to the bot."""
        return self._sent.get(line, 0)

    def forwards(self, line: int) -> bool:
        """Whether the platform sends that line to the bot now."""
        del line
        return True

    async def _take_packet(self, line: int, packet: RtpPacket, arrival_ms: int) -> None:
        self.heard.append(packet.payload)

    async def _page(self, request: web.Request) -> web.Response:
        if request.path == "/favicon.ico":
            raise web.HTTPNotFound
        self.opened.append(str(request.url))
        return web.Response(
            text=PAGE.replace("PART", self.PART),
            content_type="text/html",
            headers={"Content-Security-Policy": "worker-src 'none'"},
        )

    def add_routes(self, app: web.Application) -> None:
        """A platform's own addresses."""

    async def _state(self, request: web.Request) -> web.WebSocketResponse:
        self.state = web.WebSocketResponse()
        await self.state.prepare(request)
        await self.state.send_json({"html": self.first})
        async for message in self.state:
            self.did.append(message.json())
            await self.did_what(self.did[-1])
        return self.state

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, tasks: asyncio.TaskGroup, first: str = "") -> AsyncIterator[Self]:
        replica = cls(tasks, first)
        app = web.Application()
        app.router.add_get("/replica/state", replica._state)
        replica.add_routes(app)
        app.router.add_get("/{path:.*}", replica._page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        context = certificate_authority(folder).server_context()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        replica.flags = (
            f"--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE 127.0.0.1",
            "--allow-loopback-in-peer-connection",
            "--disable-features=WebRtcHideLocalIpsWithMdns",
        )
        try:
            yield replica
        finally:
            for line in list(replica._speaking):
                replica.hush(line)
            if replica.peer is not None:
                await replica.peer.close()
            await runner.cleanup()
