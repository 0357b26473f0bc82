"""A page that behaves as Google Meet's is documented to: states from the page script's own description, the channel
`collections`, and three virtual lines of sound whose packets name their speaker by CSRC. It proves our logic alone.
"""

from __future__ import annotations

import asyncio
import html
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.browser.script import Look, Sign
from bot.meet_wire import write_channel
from bot.opus import encode
from bot.rtp import RtpPacket
from bot.webrtc import PacketPeer
from config.clock import SystemClock
from tests.simulators.certificate_authority import certificate_authority
from web.practice.participant import sine

LINES = 3
PAGE = """<!doctype html><title>Meet</title><div id="stage"></div><div id="sound"></div><script>
const state = new WebSocket(`wss://${location.host}/state`);
const tell = (message) => state.send(JSON.stringify(message));
let channel;
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) tell({ clicked: button.getAttribute("aria-label") || button.innerText });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName !== "TEXTAREA") return;
  event.preventDefault();
  tell({ chat: event.target.value });
  event.target.value = "";
});
document.addEventListener("input", ({ target }) => { if (target.tagName === "INPUT") tell({ typed: target.value }); });
state.onmessage = async ({ data }) => {
  const told = JSON.parse(data);
  if (told.html !== undefined) document.getElementById("stage").innerHTML = told.html;
  if (told.enter) await enter();
  if (told.collections) channel.send(Uint8Array.from(atob(told.collections), (letter) => letter.charCodeAt(0)));
};
async function enter() {
  const call = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  call.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
  for (let line = 0; line < LINES; line += 1) call.addTransceiver("audio", { direction: "recvonly" });
  call.ontrack = ({ track }) => {
    const audio = new Audio();
    audio.autoplay = true;
    audio.srcObject = new MediaStream([track]);
    document.getElementById("sound").append(audio);
  };
  await call.setLocalDescription(await call.createOffer());
  await new Promise((done) => {
    const check = () => { if (call.iceGatheringState === "complete") done(); };
    call.onicegatheringstatechange = check;
    check();
  });
  const answer = await fetch("/offer", { method: "POST", body: call.localDescription.sdp });
  await call.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  const near = new RTCPeerConnection(), far = new RTCPeerConnection();  // so that the channel is the far side's
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
  channel = far.createDataChannel("collections");
  channel.onopen = () => tell({ open: true });
  await far.setLocalDescription(await far.createOffer());
  await near.setRemoteDescription(far.localDescription);
  await near.setLocalDescription(await near.createAnswer());
  await far.setRemoteDescription(near.localDescription);
}
</script>"""


def rendered(sign: Sign) -> str:
    """An element that the sign fits."""
    tag = re.match(r"[a-z]+", sign.css)
    name = "p" if tag is None or tag[0] == "body" else tag[0]
    attributes = "".join(f' {key}="{value}"' for key, value in re.findall(r'\[([\w-]+)[\^*]?="([^"]*)"\]', sign.css))
    text = html.escape(sign.texts[0].replace("'", "’")) if sign.texts else ""  # as Meet writes it
    if name == "iframe":
        return f'<iframe{attributes} width="300" height="150" srcdoc="-"></iframe>'
    return f"<{name}{attributes}>{text}</{name}>"


def shown(look: Look) -> str:
    return "".join(rendered(sign) for sign in look.signs[:1])


@dataclass(slots=True)
class MeetReplica:
    address: str = ""
    flags: tuple[str, ...] = ()
    did: list[dict[str, Any]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    clock: SystemClock = field(default_factory=SystemClock)
    tasks: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    state: web.WebSocketResponse | None = None
    peer: PacketPeer | None = None
    speaking: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    sent: dict[int, int] = field(default_factory=dict)
    first: str = ""
    messages: int = 0
    echoes: bool = False  # what the bot writes comes back as its own message by itself

    async def show(self, content: str) -> None:
        assert self.state is not None
        await self.state.send_json({"html": content})

    async def until(self, key: str, value: object = None, within_s: float = 15) -> None:
        async with asyncio.timeout(within_s):
            while not any(key in done and value in (None, done[key]) for done in self.did):
                await asyncio.sleep(0.02)

    async def enter(self, content: str) -> None:
        """Lets the bot in: sound, channel, itself as a device."""
        assert self.state is not None
        await self.state.send_json({"html": content, "enter": True})
        await self.until("open")
        await self.tell(lists={"users": {"users": [user("self", "onrecord", is_self=b"1")]}})

    async def tell(self, **body: Any) -> None:
        assert self.state is not None
        await self.state.send_json({"collections": write_channel({"body": body})})

    async def joins(self, device: str, name: str, csrc: int) -> None:
        outputs = [{"kind": 1, "stream_id": str(csrc), "device_id": device}]
        await self.tell(lists={"users": {"users": [user(device, name)]}}, devices={"outputs": outputs})

    async def leaves(self, device: str, name: str) -> None:
        await self.tell(lists={"users": {"users": [user(device, name, status=6)]}})

    async def writes(self, device: str, text: str, message_id: str = "") -> None:
        self.messages += 1
        message = {"message_id": message_id or f"m{self.messages}", "device_id": device, "body": {"text": text}}
        await self.tell(lists={"chat": {"messages": [message]}})

    def speaks(self, line: int, hz: float, csrcs: tuple[int, ...]) -> None:
        """From now on this is what comes on that line."""
        self.hush(line)
        self.speaking[line] = self.tasks.create_task(self._speak(line, hz, csrcs))

    def hush(self, line: int) -> None:
        if line in self.speaking:
            self.speaking.pop(line).cancel()

    async def _speak(self, line: int, hz: float, csrcs: tuple[int, ...]) -> None:
        assert self.peer is not None
        packets = encode(sine(hz, 2.0, 0.3))
        out = self.peer.outgoing[line + 1]
        while True:
            number = self.sent[line] = self.sent.get(line, -1) + 1
            head = struct.pack(
                "!BBHII", 0x80 | len(csrcs), out._payload_type, number & 0xFFFF, number * 960 & 0xFFFFFFFF, out.ssrc
            )
            named = b"".join(struct.pack("!I", csrc) for csrc in csrcs)
            with suppress(ConnectionError):
                await self.peer._transport._send_rtp(head + named + packets[number % len(packets)])
            await asyncio.sleep(0.02)

    async def _take_packet(self, line: int, packet: RtpPacket, arrival_ms: int) -> None:
        self.heard.append(packet.payload)

    async def _page(self, request: web.Request) -> web.Response:
        page = PAGE.replace("LINES", str(LINES))
        return web.Response(
            text=page, content_type="text/html", headers={"Content-Security-Policy": "worker-src 'none'"}
        )

    async def _state(self, request: web.Request) -> web.WebSocketResponse:
        self.state = web.WebSocketResponse()
        await self.state.prepare(request)
        await self.state.send_json({"html": self.first})
        async for message in self.state:
            self.did.append(message.json())
            if self.echoes and "chat" in self.did[-1]:
                await self.writes("self", self.did[-1]["chat"])
        return self.state

    async def _offer(self, request: web.Request) -> web.Response:
        self.peer = PacketPeer(
            clock=self.clock,
            tasks=self.tasks,
            addresses=("127.0.0.1",),
            lines=1 + LINES,
            on_packet=self._take_packet,
            on_lost=lambda: None,
        )
        return web.Response(text=await self.peer.answer(await request.text()))


def user(device: str, name: str, *, status: int = 1, **more: Any) -> dict[str, Any]:
    return {"device_id": device, "full_name": name, "status": status, **more}


@asynccontextmanager
async def meet_replica(folder: Path, tasks: asyncio.TaskGroup, first: str) -> AsyncIterator[MeetReplica]:
    """`first`: what the page shows when it is opened."""
    replica = MeetReplica(tasks=tasks, first=first)
    app = web.Application()
    app.router.add_get("/state", replica._state)
    app.router.add_post("/offer", replica._offer)
    app.router.add_get("/{code}", replica._page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    context = certificate_authority(folder).server_context()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    replica.address = "https://meet.google.com/abc-defg-hij"
    replica.flags = (
        f"--host-resolver-rules=MAP meet.google.com 127.0.0.1:{port}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
    )
    try:
        yield replica
    finally:
        for line in list(replica.speaking):
            replica.hush(line)
        if replica.peer is not None:
            await replica.peer.close()
        await runner.cleanup()
