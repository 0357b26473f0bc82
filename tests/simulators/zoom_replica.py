"""A page that behaves as Zoom's web client is documented to: a list of participants and a chat that are seen while they
are open, a counter on the button, one mix without a word on who speaks. It proves our logic alone.
"""

from __future__ import annotations

import asyncio
import html
from typing import Any, ClassVar

from tests.simulators.page_replica import PageReplica

CONTROLS = (
    '<button aria-label="Leave" onclick="document.getElementById(`leaving`).hidden = false">Leave</button>'
    '<button id="leaving" hidden class="leave-meeting-options__btn--danger" aria-label="Leave Meeting">Leave</button>'
    '<button aria-label="unmute my microphone">mic</button><iframe srcdoc="help"></iframe>'
)


class ZoomReplica(PageReplica):
    ADDRESS = "https://us02web.zoom.us/j/81234567890?pwd=abc.1"
    LINES: ClassVar[list[tuple[str, str]]] = [("mix", "m1"), ("more", "m2")]

    def __init__(self, tasks: asyncio.TaskGroup, first: str) -> None:
        super().__init__(tasks, first)
        self.people: list[tuple[str, str]] = [("onrecord", "(Me)")]  # as shown, with the label after it
        self.lines: list[tuple[str, str, str]] = []  # id, sender, text; no sender: as the line before
        self.hidden = 0  # rows that are counted and not drawn
        self.has_list = self.has_chat = False
        self.in_call = False
        self.echoes = False

    def page(self) -> str:
        count = len(self.people)
        rows = "".join(
            f'<li><span><span class="participants-item__display-name">{html.escape(name)}</span>'
            f'<span class="participants-item__name-label">{label}</span></span></li>'
            for name, label in self.people[: count - self.hidden]
        )
        verb = "close" if self.has_list else "open"
        parts = [CONTROLS, f'<button aria-label="{verb} the participants list pane,[{count}] particpants">p</button>']
        parts.append('<button aria-label="open the chat panel">c</button>')
        if self.has_list:
            parts.append(f'<ul id="participants-ul">{rows}</ul>')
        if self.has_chat:
            said = "".join(
                (f'<div class="chat-message-text__user-name">{html.escape(sender)}</div>' if sender else "")
                + f'<div id="chat-message-{number}"><div class="chat-rtf-box__display">{html.escape(text)}</div></div>'
                for number, sender, text in self.lines
            )
            box = '<div class="tiptap ProseMirror" contenteditable></div>'
            parts.append(f'<div aria-label="Chat Message List">{said}</div>{box}')
        return "".join(parts)

    async def draw(self) -> None:
        await self.show(self.page())

    async def enter(self, content: str) -> None:
        await super().enter(content or self.page())
        self.in_call = True
        await self.draw()

    async def joins(self, name: str, label: str = "") -> None:
        self.people.append((name, label))
        await self.draw()

    async def leaves(self, name: str) -> None:
        self.people.remove(next(person for person in self.people if person[0] == name))
        await self.draw()

    async def writes(self, sender: str, text: str, message_id: str = "") -> None:
        self.lines.append((message_id or f"m{len(self.lines)}", sender, text))
        await self.draw()

    async def did_what(self, done: dict[str, Any]) -> None:
        clicked = str(done.get("clicked", ""))
        if clicked.startswith("open the participants list"):
            self.has_list = True
        elif clicked.startswith("open the chat"):
            self.has_chat = True
        elif "chat" in done and self.echoes:
            self.lines.append((f"own-{len(self.lines)}", "You", done["chat"]))
        else:
            return
        if self.in_call:
            await self.draw()
