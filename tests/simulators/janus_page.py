"""The page that Debian's janus-demos brings for its VideoRoom, as a page script: page and server are others' work.

Who is there and whose line is whose is read from the messages between page and server. A line's owner is bound when the
line is told, as a script that reads names off a page would do it, so that only another epoch can change it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.browser.script import (
    Chat,
    Do,
    Look,
    PageFact,
    PageScript,
    PageState,
    Sign,
    Signal,
    Sound,
    Step,
)
from bot.ports import Hears, Joined, Left, LeftReason, RoomCapabilities
from consent_notice.words import IdentityLevel, SeatId, SeatKind
from tests.simulators.janus_server import JanusServer

DEMOS, LIBRARIES = Path("/usr/share/janus/demos"), Path("/usr/share/javascript")

SHOWN_NAME = "onrecordAsksBeforeRecording"  # this page takes letters and digits only

CAPABILITIES = RoomCapabilities(
    platform="janus",
    hears=Hears.SEPARATE,
    withholds=False,
    can_speak=True,
    can_chat=False,
    can_whisper=False,
    can_show_tile=True,
    chat_limit_chars=1_000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=500,
    path_delay_ms=400,
)

HOOKS = """
(() => {
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data), told = message.plugindata && message.plugindata.data;
        if (told && told.videoroom) onrecord.tell("videoroom", told);
        else if (message.janus !== "event") onrecord.tell("alive", null);
      });
    }
  };
})();
"""


class JanusPageReader:
    def __init__(self) -> None:
        self._own: SeatId | None = None
        self._people: dict[SeatId, str] = {}
        self._feeds: dict[str, SeatId] = {}  # whose sound a line of the subscription carries
        self._bound: dict[tuple[int, int], SeatId | None] = {}

    @property
    def own_seat(self) -> SeatId | None:
        return self._own

    def take(self, signal: Signal) -> Iterable[PageFact]:
        told = signal.value
        if not isinstance(told, dict):
            return []
        if told.get("videoroom") == "joined":
            self._own = SeatId(str(told["id"]))
        for stream in told.get("streams") or ():
            if "mid" in stream and "feed_id" in stream:
                self._feeds[stream["mid"]] = SeatId(str(stream["feed_id"]))
            elif "mid" in stream and stream.get("active") is False:
                self._feeds.pop(stream["mid"], None)
        facts: list[PageFact] = [self._came(one, signal) for one in told.get("publishers") or ()]
        gone = SeatId(str(told.get("leaving") or told.get("unpublished")))
        if self._people.pop(gone, None) is not None:
            facts.append(Left(seat=gone, at_ms=signal.at_ms))
        return facts

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        key = (sound.line.number, sound.line.epoch)
        if self._bound.get(key) is None:
            self._bound[key] = self._feeds.get(sound.line.mid)
        owner = self._bound[key]
        return None if owner is None else frozenset({owner})

    def own_message(self, text: str) -> str | None:
        return None

    def known_until(self, now_ms: int) -> int | None:
        return now_ms

    def _came(self, one: dict[str, Any], signal: Signal) -> Joined:
        seat = SeatId(str(one["id"]))
        self._people[seat] = str(one.get("display"))
        return Joined(
            seat=seat,
            name=self._people[seat],
            seat_kind=SeatKind.PERSON,
            identity_level=IdentityLevel.DISPLAY_NAME,
            at_ms=signal.at_ms,
        )


SCRIPT = PageScript(
    capabilities=CAPABILITIES,
    address=lambda link, name: link,
    looks=(
        Look(
            name="room is not there",
            state=PageState.OVER,
            signs=(Sign(css=".bootbox", texts=("does not exist",)),),
            reason=LeftReason.NOT_FOUND,
        ),
        Look(name="in the call", state=PageState.IN_CALL, signs=(Sign(css="#videolocal #mute"),)),
        Look(name="name", state=PageState.BEFORE, signs=(Sign(css="#username"),)),
        Look(name="start", state=PageState.BEFORE, signs=(Sign(css="#start"),)),
    ),
    steps=(
        Step(name="press start", do=Do.CLICK, target=(Sign(css="#start", texts=("start",)),)),
        Step(name="type the name", do=Do.FILL, target=(Sign(css="#username"),), text=SHOWN_NAME),
        Step(name="join", do=Do.CLICK, target=(Sign(css="#register"),)),
    ),
    leave=(Step(name="stop", do=Do.CLICK, target=(Sign(css="#start", texts=("stop",)),)),),
    chat=Chat(),
    hooks=HOOKS,
    reader=JanusPageReader,
)


@asynccontextmanager
async def janus_pages(server: JanusServer) -> AsyncIterator[str]:
    """The address of the multistream VideoRoom page."""

    async def settings(request: web.Request) -> web.Response:
        text = f'var server = "{server.api}", iceServers = [], token = "", apisecret = "";'
        return web.Response(text=text, content_type="text/javascript")

    app = web.Application()
    app.router.add_get("/settings.js", settings)
    app.router.add_static("/javascript", LIBRARIES, follow_symlinks=True)
    app.router.add_static("/", DEMOS, follow_symlinks=True)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()  # a secure context, as loopback is
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mvideoroomtest.html"
    finally:
        await runner.cleanup()
