"""A page that behaves as Microsoft Teams' is documented to: its active call, one mix whose packets name the speakers by
CSRC, frames of its signalling socket, and a chat service whose handler the page binds. It proves our logic alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.simulators.page_replica import PageReplica

ME = "8:teamsvisitor:onrecord"


class TeamsReplica(PageReplica):
    ADDRESS = "https://teams.microsoft.com/meet/2345678901234?p=secret"
    LINES: ClassVar[list[tuple[str, str]]] = [("mix", "mainAudio-1"), ("mix", "again-2")]
    PART = """
let call = null;
window.msteamscalling = { deref: () => ({ callingService: { getActiveCall: () => call } }) };
told.call = (given) => {
  call = given && { ...given, participants: given.participants.map((one) => (
    { ...one, hasAudioSource: (source) => one.sources.includes(source) })) };
};
function onMessageReceived({ data }) { tell({ handled: data.chatServiceBatchEvent[1].message.id }); }
const handler = onMessageReceived.bind(null);
told.chat = (message) => handler({ data: { chatServiceBatchEvent: [null, { message }, {}] } });
"""

    def __init__(self, tasks: asyncio.TaskGroup, first: str) -> None:
        super().__init__(tasks, first)
        self.people: dict[str, dict[str, Any]] = {}
        self.messages = 0
        self.echoes = False  # what the bot writes comes back as its own message by itself

    async def enter(self, content: str) -> None:
        await super().enter(content)
        await self.roster()

    async def roster(self) -> None:
        participants = [{"id": key, **person} for key, person in self.people.items()]
        await self.say(call={"_callId": "call-1", "callerMri": ME, "participants": participants})

    async def joins(self, key: str, name: str, *csrcs: int) -> None:
        self.people[key] = {"displayName": name, "sources": csrcs}
        await self.roster()

    async def leaves(self, key: str) -> None:
        del self.people[key]
        await self.roster()

    async def writes(self, key: str, content: str, message_id: str = "", **more: Any) -> None:
        self.messages += 1
        number = message_id or f"m{self.messages}"
        message = {
            "clientMessageId": number,
            "id": number,
            "from": key,
            "content": content,
            "messageType": "RichText/Html",
        }
        await self.say(chat={**message, "originalArrivalTime": "2099-01-01T00:00:00Z", **more})

    async def ends(self, sub_code: int, call: str = "call-1", *, deflated: bool = False) -> None:
        """As its signalling socket says it."""
        body = json.dumps({"subCode": sub_code, "sender": {"id": "8:orgid:x", "displayName": "Ann"}})
        await self.frame("https://x/conversation/conversationEnd/", body, call, deflated=deflated)

    async def frame(self, url: str, body: str, call: str, *, deflated: bool = False) -> None:
        assert self.state is not None
        text = base64.b64encode(zlib.compress(body.encode())).decode() if deflated else body
        told: Mapping[str, Any] = {"url": url, "headers": {"X-Microsoft-Skype-Chain-ID": call}, "body": text}
        await self.state.send_str("3:::" + json.dumps(told))

    async def did_what(self, done: dict[str, Any]) -> None:
        if self.echoes and "chat" in done:
            await self.writes(ME, f"<p>{done['chat']}</p>", message_id=f"own-{self.messages}")
