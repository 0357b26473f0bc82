"""Open-EasyRTC with the multiparty page of its own demos: server and page are others' work, everybody is connected to
everybody. The page as a page script; and people who are there in Chromiums of their own, with a tone each.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from bot.browser.reading import Person, Reader
from bot.browser.script import Chat, Do, Look, PageFact, PageScript, PageState, Sign, Signal, Sound, Step
from bot.ports import ChatSaid, Hears, RoomCapabilities
from consent_notice.words import IdentityLevel, SeatId
from tests.simulators.node import node_server

PROGRAM = Path(__file__).with_name("easyrtc") / "server.js"
CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
FLAGS = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")

CAPABILITIES = RoomCapabilities(
    platform="easyrtc",
    hears=Hears.SEPARATE,
    withholds=False,
    can_speak=True,
    can_chat=True,
    can_whisper=False,
    can_show_tile=True,
    chat_limit_chars=1_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=1_000,
    path_delay_ms=400,
)

HOOKS = """
document.addEventListener("DOMContentLoaded", () => {
  const listen = easyrtc.setPeerListener;
  easyrtc.setPeerListener = (listener, ...more) => listen((from, type, text, ...rest) => {
    if (type === "im") onrecord.tell("message", { id: `${from} ${performance.now()}`, from, text });
    listener(from, type, text, ...rest);
  }, ...more);
  setInterval(() => {
    if (!easyrtc.myEasyrtcid) return;
    const ids = Object.keys(easyrtc.getRoomOccupantsAsMap("default") || {}).filter((id) => id !== easyrtc.myEasyrtcid);
    const people = ids.map((id) => {
      const stream = easyrtc.getRemoteStream(id);
      return { id, tracks: stream ? stream.getAudioTracks().map((track) => track.id) : [] };
    });
    onrecord.tell("here", { me: easyrtc.myEasyrtcid, people });
  }, 100);
  window.onrecordEasy = { write: (text) => {
    for (let index = 0; index < easyrtc.getConnectionCount(); index += 1)
      easyrtc.sendPeerMessage(easyrtc.getIthCaller(index), "im", text);
    onrecord.tell("message", { id: `own ${performance.now()}`, from: easyrtc.myEasyrtcid, text });
  } };
});
"""
# The microphone is a tone, untouched by what a browser does to a voice.
TONE = """
navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext(), source = context.createOscillator(), out = context.createMediaStreamDestination();
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 9, 9);
  await context.resume();
  source.frequency.value = HZ;
  source.connect(out);
  source.start();
  return new MediaStream([...out.stream.getTracks(), ...canvas.captureStream(1).getTracks()]);
};
"""


class EasyReader(Reader):
    def __init__(self) -> None:
        super().__init__(CAPABILITIES)
        self._tracks: dict[str, str] = {}

    def take(self, signal: Signal) -> Iterable[PageFact]:
        told = signal.value
        if signal.kind == "here":
            self._own = SeatId(told["me"])
            self._tracks = {track: one["id"] for one in told["people"] for track in one["tracks"]}
            since_ms = self._pulse.since(signal.at_ms)
            self._pulse.beats(signal.at_ms)
            here = {one["id"]: Person(name=one["id"]) for one in told["people"]}
            return list(self._roster.becomes(here, since_ms=since_ms, at_ms=signal.at_ms))
        said = ChatSaid(
            message_id=told["id"],
            seat=SeatId(told["from"]),
            text=told["text"],
            reply_to=None,
            to_bot_only=False,
            at_ms=signal.at_ms,
        )
        return list(self._messages.said(said, is_own=told["from"] == self._own))

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        owner = self._tracks.get(sound.line.track_id, "")
        is_known = owner in self._roster.here and self.known_until(sound.at_ms) is not None
        return frozenset({SeatId(owner)}) if is_known else None


SCRIPT = PageScript(
    capabilities=CAPABILITIES,
    address=lambda link, name: link,
    looks=(Look(name="in the call", state=PageState.IN_CALL, signs=(Sign(css="#box0"),)),),
    steps=(),
    leave=(Step(name="leave", do=Do.RUN, text="easyrtc.disconnect"),),
    chat=Chat(hook="onrecordEasy.write"),
    hooks=HOOKS,
    reader=EasyReader,
)


@asynccontextmanager
async def easyrtc_page() -> AsyncIterator[str]:
    """Its address."""
    async with node_server(PROGRAM) as origin:
        yield f"{origin}/demos/demo_multiparty.html"


class EasyPerson:
    def __init__(self, page: Page) -> None:
        self._page = page
        self.seat = SeatId("")

    async def join(self, link: str, hz: float) -> None:
        await self._page.add_init_script(TONE.replace("HZ", str(hz)))
        await self._page.goto(link)
        found = await self._page.wait_for_function("window.easyrtc && easyrtc.myEasyrtcid")
        self.seat = SeatId(await found.json_value())

    async def write(self, text: str) -> None:
        """As the page lets a person do it."""
        await self._page.evaluate("showTextEntry()")
        await self._page.fill("#textentryField", text)
        await self._page.click("#textentrySubmit")

    async def reads(self, text: str) -> None:
        await self._page.wait_for_function("(text) => document.body.innerText.includes(text)", arg=text)

    async def hears(self, hz: float) -> float:
        """How loud that tone is at its loudest within a second, of all that the page plays, in dB."""
        script = """async (hz) => {
          const streams = [1, 2, 3].map((box) => document.getElementById(`box${box}`).srcObject).filter(Boolean);
          const context = new AudioContext();
          const ears = streams.filter((stream) => stream.getAudioTracks().length).map((stream) => {
            const ear = context.createAnalyser();
            ear.fftSize = 8192;
            ear.smoothingTimeConstant = 0;
            context.createMediaStreamSource(stream).connect(ear);
            return ear;
          });
          await context.resume();
          const levels = new Float32Array(4096), bin = Math.round(hz * 8192 / context.sampleRate);
          let loudest = -200;
          for (let turn = 0; turn < 20; turn += 1) {
            await new Promise((done) => setTimeout(done, 50));
            for (const ear of ears) {
              ear.getFloatFrequencyData(levels);
              loudest = Math.max(loudest, levels[bin]);
            }
          }
          await context.close();
          return loudest;
        }"""
        return float(await self._page.evaluate(script, hz))

    async def leave(self) -> None:
        await self._page.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *FLAGS]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        await browser.close()
