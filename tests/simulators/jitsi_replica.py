"""A page that behaves as Jitsi Meet's app is documented to: its objects `APP` and the conference, with each person's
track, a bridge that sends what was subscribed to, chat with private lines and threads. It proves our logic alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.simulators.page_replica import PageReplica


class JitsiReplica(PageReplica):
    ADDRESS = "https://jitsi.example.org/Team%20Talk"
    LINES: ClassVar[list[tuple[str, str]]] = [("a", "track-0"), ("b", "track-1"), ("c", "track-2")]
    PART = """
const base = {}, lobby = {};
class Track {
  constructor(given) { Object.assign(this, given); }
  getType() { return this.type || "audio"; }
  getTrack() { return { id: this.track }; }
  getSsrc() { return this.ssrc; }
  getSourceName() { return this.source; }
}
class Person {
  constructor({ id, name, tracks, ...more }) {
    Object.assign(this, { id, name, more, tracks: tracks.map((one) => new Track(one)) });
  }
  getId() { return this.id; }
  getDisplayName() { return this.name; }
  getTracks() { return this.tracks; }
  isHidden() { return Boolean(this.more.hidden); }
  getBotType() { return this.more.bot; }
  getProperty(name) { return (this.more.properties || {})[name]; }
}
class Conference {
  constructor(me) { Object.assign(this, { me, people: new Map(), acts: {}, joined: false, broken: false }); }
  on(event, act) { if (event === "conference.kicked") tell({ followed: true }); (this.acts[event] ||= []).push(act); }
  emit(event, ...given) { for (const act of this.acts[`conference.${event}`] || []) act(...given); }
  isJoined() { return this.joined; }
  isConnectionInterrupted() { return this.broken; }
  isE2EEEnabled() { return false; }
  myUserId() { return this.me; }
  getParticipants() { return [...this.people.values()]; }
  getParticipantById(id) { return this.people.get(id); }
  sendTextMessage(text) { tell({ chat: text }); }
  sendPrivateTextMessage(seat, text, element, full, reply, id) { tell({ whisper: text, seat, id }); }
  setAudioSubscriptionMode(asked) {  // told where it is new, and once the bridge's channel is open: before, it is lost
    const changed = JSON.stringify(asked) !== this.asked;
    this.asked = JSON.stringify(asked);
    if (changed && this.open) tell({ subscribed: asked.mode === "None" ? [] : asked.list });
  }
  leave() { tell({ left: true }); }
}
let muted = true;
window.APP = {
  store: { getState: () => ({ "features/base/conference": base, "features/lobby": lobby }) },
  conference: {
    _room: new Conference("me"),
    muteAudio: (asked) => { setTimeout(() => { muted = asked; tell({ muted }); }, 50); },
    isLocalAudioMuted: () => muted,
    hangup: () => APP.conference._room.leave(),
  },
};
const there = () => APP.conference._room;
told.state = (given) => {
  for (const key of Object.keys(base)) delete base[key];
  lobby.knocking = Boolean(given.knocking);
  Object.assign(base, given.base || {});
};
told.joined = (joined) => {
  const room = there();
  room.joined = joined;
  if (!joined) return;
  room.emit("joined");
  setTimeout(() => { room.open = true; room.emit("dataChannelOpened"); }, 100);
};
told.broken = (broken) => {
  there().broken = broken;
  there().emit(broken ? "connectionInterrupted" : "connectionRestored");
};
told.person = (given) => {
  const is_new = !there().people.has(given.id);
  there().people.set(given.id, new Person(given));
  there().emit(is_new ? "userJoined" : "displayNameChanged", given.id);
  there().emit("trackAdded");
};
told.gone = (id) => { there().people.delete(id); there().emit("userLeft", id); };
told.message = ({ from, text, id, at, reply_to }) =>
  there().emit("messageReceived", from, text, at, "", false, id, "", reply_to);
told.private = ({ from, text, id, reply_to }) =>
  there().emit("privateMessageReceived", from, text, undefined, id, "", false, reply_to);
told.retracted = ({ from, id }) => there().emit("messageRetracted", from, id);
told.kicked = () => { there().joined = false; there().emit("kicked"); };
told.failed = (error) => { there().joined = false; there().emit("failed", error); };
told.breakout = (me) => { there().joined = false; there().emit("left"); APP.conference._room = new Conference(me); };
"""

    def __init__(self, tasks: Any, first: str) -> None:
        super().__init__(tasks, first)
        self.wanted: list[str] = ["all"]  # as the bridge was told
        self.is_old = False  # a bridge that knows nothing of subscriptions
        self.messages = 0
        self.on_line: dict[int, str] = {}  # whose it is

    async def enter(self, content: str) -> None:
        await super().enter(content)
        await self.say(joined=True)

    async def joins(self, seat: str, name: str, line: int, **more: Any) -> None:
        """Also what changes of somebody who is there."""
        self.on_line[line] = f"{seat}-a0"
        track = {"track": f"track-{line}", "ssrc": self.ssrc(line), "source": f"{seat}-a0"}
        await self.say(person={"id": seat, "name": name, "tracks": [track], **more})

    async def writes(self, seat: str, text: str, message_id: str = "", **more: Any) -> None:
        self.messages += 1
        await self.say(message={"from": seat, "text": text, "id": message_id or f"m{self.messages}", **more})

    async def did_what(self, done: dict[str, Any]) -> None:
        if "subscribed" in done:
            self.wanted = done["subscribed"]
        if "chat" in done:
            await self.writes("me", done["chat"], message_id=f"own-{self.messages}")

    def forwards(self, line: int) -> bool:
        return self.is_old or self.wanted == ["all"] or self.on_line.get(line) in self.wanted
