"""Jitsi Meet by its own page and its app's own objects: where the app is, who is here, whose each track is.

Each person has a track of their own, and the app says whose; a source that the app did not name is nobody's. The
bridge is asked to send the wanted voices alone. In a breakout room all are new. docs/rooms.md says what is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bot.browser.reading import Person, Reader, Sources
from bot.browser.script import Chat, Do, Look, PageFact, PageScript, PageState, Sign, Signal, Sound, Step
from bot.platforms import JITSI
from bot.ports import ChatSaid, LeftReason, RoomRefused
from consent_notice.words import SeatId

# Each is on Jitsi's list of what an address may set.
OPTIONS: Mapping[str, Any] = {
    "prejoinConfig.enabled": False,
    "startWithAudioMuted": True,
    "startWithVideoMuted": False,  # the tile
    "p2p.enabled": False,  # so that the bridge is asked for single voices
    "flags.ssrcRewritingEnabled": False,  # each person keeps a source of their own
    "disableDeepLinking": True,
    "deeplinking.disabled": True,
    "channelLastN": 0,  # no picture of anybody
    "lobby.autoKnock": True,
    "autoKnockLobby": True,
    "disableThirdPartyRequests": True,
    "analytics.disabled": True,
    "gatherStats": False,
}


def address(link: str, name: str) -> str:
    """Raises RoomRefused."""
    parts = urlsplit(link)
    if parts.scheme not in ("https", "http") or not parts.hostname or len(parts.path) < 2:
        raise RoomRefused(LeftReason.NOT_FOUND, "this is no link to a Jitsi room")
    said = [f"config.{key}={json.dumps(value)}" for key, value in OPTIONS.items()]
    said.append(f"userInfo.displayName={quote(json.dumps(name))}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}#{'&'.join(said)}"


class JitsiReader(Reader):
    def __init__(self) -> None:
        super().__init__(JITSI)
        self._room = 0  # another one is another roster: a breakout room
        self._sources = Sources[tuple[str, int]](JITSI)  # track and SSRC

    def take(self, signal: Signal) -> Iterable[PageFact]:
        match signal.kind:
            case "here":
                return self._here(signal.value, signal.at_ms)
            case "apart":
                self._pulse.stops()
            case "message":
                return self._said(signal.value, signal.at_ms)
            case "deleted" if self._roster.knows(signal.value["from"]):
                return self._messages.deleted(str(signal.value["id"]), SeatId(signal.value["from"]), signal.at_ms)
        return []

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        owner = self._sources.whose((sound.line.track_id, sound.ssrc), sound.at_ms)
        if owner is None or owner not in self._roster.here or self._pulse.known_until(sound.at_ms) is None:
            return None
        return frozenset({SeatId(owner)})

    def _here(self, told: Mapping[str, Any], at_ms: int) -> Iterator[PageFact]:
        since_ms = self._pulse.since(at_ms)
        self._pulse.stops()  # until the whole of it was read
        own, room = str(told["me"]), int(told["room"])
        people = {
            str(one["id"]): Person(name=str(one["name"]), is_bot=bool(one["bot"]), is_phone=bool(one["phone"]))
            for one in told["people"]
            if str(one["id"]) != own
        }
        sources = [
            ((str(track["id"]), int(track["ssrc"])), str(one["id"]))
            for one in told["people"]
            for track in one["tracks"]
        ]
        yield from self._unseen(since_ms=since_ms, at_ms=at_ms)
        if room != self._room:
            self._room = room
            yield from self._roster.becomes({}, since_ms=since_ms, at_ms=at_ms)
        yield from self._roster.becomes(people, since_ms=since_ms, at_ms=at_ms)
        yield from self._doubted(self._sources.are(sources, at_ms), since_ms=since_ms, at_ms=at_ms)
        self._own = SeatId(own)
        self._pulse.beats(at_ms)

    def _said(self, told: Mapping[str, Any], at_ms: int) -> Iterator[PageFact]:
        sender, message_id, is_private = str(told["from"]), str(told["id"]), bool(told["private"])
        if sender == self._own and is_private:
            self._messages.wrote(SeatId(sender), message_id)
        elif sender == self._own or self._roster.knows(sender):
            said = ChatSaid(
                message_id=message_id,
                seat=SeatId(sender),
                text=str(told["text"]),
                reply_to=str(told["reply_to"]) or None,
                to_bot_only=is_private,
                at_ms=at_ms,
            )
            yield from self._messages.said(said, is_own=sender == self._own)


def _marked(state: str) -> tuple[Sign, ...]:
    """As the hook marks it, whatever language the page speaks."""
    return (Sign(css=f'html[data-onrecord="{state}"]', must_be_seen=False),)


def _over(state: str, reason: LeftReason, detail: str) -> Look:
    return Look(name=state, state=PageState.OVER, signs=_marked(state), reason=reason, detail=detail)


PREJOIN = '[data-testid="prejoin.joinMeeting"]'
NAME = "#premeeting-name-input"
KNOCK = '[data-testid="lobby.knockButton"]'

LOOKS = (
    _over("sign-in", LeftReason.SIGN_IN_REQUIRED, "the Jitsi server wants a signed-in account"),
    _over("password", LeftReason.SIGN_IN_REQUIRED, "the room asks for a password, which onrecord does not have"),
    _over("denied", LeftReason.DENIED, "somebody in the call did not let the bot in"),
    _over("full", LeftReason.ROOM_FULL, "the Jitsi server takes no more people into this room"),
    _over("removed", LeftReason.REMOVED, "somebody removed the bot from the call"),
    _over("ended", LeftReason.MEETING_ENDED, "the call ended"),
    _over("failed", LeftReason.CONNECTION_LOST, "the Jitsi server broke off the call"),
    _over("encrypted", LeftReason.NO_MEDIA, "the call is end-to-end encrypted: nothing of it can be heard"),
    Look(name="lobby", state=PageState.WAITING, signs=_marked("lobby")),
    Look(name="waiting for the host", state=PageState.WAITING, signs=_marked("host-awaited")),
    Look(name="in the call", state=PageState.IN_CALL, signs=_marked("in-call")),
    Look(name="before the call", state=PageState.BEFORE, signs=(Sign(css=NAME), Sign(css=PREJOIN), Sign(css=KNOCK))),
)

STEPS = (
    Step(name="type the name", do=Do.FILL, target=(Sign(css=NAME),), text="{name}"),
    Step(name="join", do=Do.CLICK, target=(Sign(css=PREJOIN),), repeats=True),
    Step(name="knock", do=Do.CLICK, target=(Sign(css=KNOCK),), repeats=True),
)

SCRIPT = PageScript(
    capabilities=JITSI,
    address=address,
    looks=LOOKS,
    steps=STEPS,
    leave=(Step(name="leave", do=Do.RUN, text="onrecordJitsi.leave"),),
    chat=Chat(hook="onrecordJitsi.write", whisper="onrecordJitsi.whisper"),
    hear="onrecordJitsi.hear",
    before_speech=(Step(name="microphone on", do=Do.RUN, text="onrecordJitsi.unmute"),),
    after_speech=(Step(name="microphone off", do=Do.RUN, text="onrecordJitsi.mute"),),
    hooks=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    reader=JitsiReader,
    advice={
        LeftReason.SIGN_IN_REQUIRED: "Let guests in without a password while the bot comes, or use the lobby.",
        LeftReason.DENIED: "Somebody has to admit the guest that calls itself a recorder.",
        LeftReason.NO_MEDIA: "Switch end-to-end encryption off where the meeting shall be recorded.",
    },
)
