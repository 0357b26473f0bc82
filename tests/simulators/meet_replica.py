"""A page that behaves as Google Meet's is documented to: the channel `collections`, whole lists of people that it
fetches, and three virtual lines of sound whose packets name their speaker by CSRC. It proves our logic alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bot.meet_wire import write_answer, write_channel
from tests.simulators.page_replica import PageReplica

LIST = "/$rpc/google.rtc.meetings.v1.MeetingSpaceService/SyncMeetingSpaceCollections"


class MeetReplica(PageReplica):
    ADDRESS = "https://meet.google.com/abc-defg-hij"
    PART = """
let channel;
told.channel = async () => {
  const near = new RTCPeerConnection(), far = new RTCPeerConnection();  // so that the channel is the far side's
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
  channel = far.createDataChannel("collections");
  channel.onopen = () => tell({ open: true });
  await far.setLocalDescription(await far.createOffer());
  await near.setRemoteDescription(far.localDescription);
  await near.setLocalDescription(await near.createAnswer());
  await far.setRemoteDescription(near.localDescription);
};
told.collections = (data) => channel.send(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)));
told.fetch = async (address) => { await (await fetch(address, { method: "POST" })).text(); tell({ fetched: true }); };
"""

    def __init__(self, tasks: asyncio.TaskGroup, first: str) -> None:
        super().__init__(tasks, first)
        self.messages = 0
        self.people = {"self": user("self", "onrecord", is_self=b"1")}
        self.echoes = False  # what the bot writes comes back as its own message by itself

    async def enter(self, content: str) -> None:
        """With the channel, and the list that has the bot itself."""
        await super().enter(content)
        await self.opens()
        await self.lists()

    async def opens(self) -> None:
        self.did = [done for done in self.did if "open" not in done]
        await self.say(channel=True)
        await self.until("open")

    async def lists(self) -> None:
        """The page fetches the whole list."""
        self.did = [done for done in self.did if "fetched" not in done]
        await self.say(fetch=LIST)
        await self.until("fetched")

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(LIST, self._list)

    async def _list(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text=write_answer({"lists": {"users": {"users": list(self.people.values())}}}))

    async def tell(self, **body: Any) -> None:
        await self.say(collections=write_channel({"body": body}))

    async def joins(self, device: str, name: str, csrc: int) -> None:
        self.people[device] = user(device, name)
        outputs = [{"kind": 1, "stream_id": str(csrc), "device_id": device}]
        await self.tell(lists={"users": {"users": [user(device, name)]}}, devices={"outputs": outputs})

    async def leaves(self, device: str, name: str) -> None:
        """Seen in the list alone."""
        self.people[device] = user(device, name, status=6)
        await self.lists()

    async def writes(self, device: str, text: str, message_id: str = "") -> None:
        self.messages += 1
        message = {"message_id": message_id or f"m{self.messages}", "device_id": device, "body": {"text": text}}
        await self.tell(lists={"chat": {"messages": [message]}})

    async def did_what(self, done: dict[str, Any]) -> None:
        if self.echoes and "chat" in done:
            await self.writes("self", done["chat"])


def user(device: str, name: str, *, status: int = 1, **more: Any) -> dict[str, Any]:
    return {"device_id": device, "full_name": name, "status": status, **more}
