"""PURE: what Microsoft Teams' page is told of chat and of how a conversation ended; the forms are not ours.

They were found out by others and may change any day (docs/rooms.md names the source): what does not parse is nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any

from lxml import etree, html

LARGEST_BYTES = 2_000_000  # inflated
REPLY = "http://schema.skype.com/Reply"
TEXT_TYPES = frozenset({"Text", "RichText", "RichText/Html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    text: str
    reply_to: str | None


DELETED = Written(text="", reply_to=None)


def read_content(content: str, kind: str) -> Written | None:
    """None: no words, as a picture or a call's own entry."""
    if kind not in TEXT_TYPES:
        return None
    if kind == "Text" or not content.strip():
        return Written(text=content.strip(), reply_to=None)
    try:
        tree = html.fragment_fromstring(content, create_parent="div")
    except (etree.LxmlError, ValueError):
        return None
    reply_to = None
    for quoted in tree.findall(".//blockquote"):
        if quoted.get("itemtype") == REPLY:
            reply_to = quoted.get("itemid")
        quoted.drop_tree()  # other people's words
    for lines in tree.iter("br", "p", "div"):
        lines.tail = "\n" + (lines.tail or "")
    return Written(text=tree.text_content().strip(), reply_to=reply_to)


def sender(told: str) -> str:
    """The participant's id, also where it is the end of an address."""
    return told.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEnd:
    call: str
    sub_code: int


def read_end(frame: str) -> ConversationEnd | None:
    """Of a frame without its beginning `3:::`."""
    try:
        told = json.loads(frame)
        if not str(told["url"]).rstrip("/").endswith("conversation/conversationEnd"):
            return None
        body = _body(told["body"])
        return ConversationEnd(
            call=str(told.get("headers", {}).get("X-Microsoft-Skype-Chain-ID", "")), sub_code=int(body["subCode"])
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error, binascii.Error):
        return None


def _body(text: str) -> Any:
    """JSON as it is, or deflated in base64."""
    try:
        return json.loads(text)
    except ValueError:
        inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        return json.loads(inflating.decompress(base64.b64decode(text, validate=True), LARGEST_BYTES))
