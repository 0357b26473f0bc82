"""What Google Meet's page is told of people, chat and sound, as messages of protocol buffers; the numbers are not ours.

The field numbers were found out by others and may change any day (docs/rooms.md names the source). Only the fields that
the bot needs are declared, so the rest is never looked at.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

LARGEST_BYTES = 2_000_000  # inflated
_GONE = frozenset({6, 7})  # left, removed; whoever is anything else is taken to be there
_TYPES = {"string": 9, "int32": 5, "int64": 3, "bytes": 12, "message": 11}

# name -> (field, number, type, is a list)
_MESSAGES: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "User": (
        ("device_id", 1, "string", False),
        ("full_name", 2, "string", False),
        ("status", 4, "int32", False),
        ("is_self", 7, "bytes", False),
        ("parent_device_id", 21, "string", False),
        ("display_name", 29, "string", False),
        ("is_host", 34, "bytes", False),
    ),
    "Muted": (("is_off", 1, "int32", False),),
    "Output": (
        ("kind", 2, "int32", False),
        ("stream_id", 4, "string", False),
        ("device_id", 6, "string", False),
    ),
    "Devices": (("outputs", 2, "Output", True),),
    "Text": (("text", 1, "string", False),),
    "Message": (
        ("message_id", 1, "string", False),
        ("device_id", 2, "string", False),
        ("at", 3, "int64", False),
        ("body", 5, "Text", False),
    ),
    "Users": (("users", 2, "User", True),),
    "Chat": (("messages", 2, "Message", True),),
    "Lists": (("users", 1, "Users", False), ("chat", 4, "Chat", False)),
    "Body": (("devices", 3, "Devices", False), ("lists", 13, "Lists", False)),
    "Event": (("body", 2, "Body", False),),
    "Collections": (("event", 1, "Event", False),),
}
AUDIO = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetUser:
    device_id: str
    name: str
    has_left: bool
    is_self: bool
    is_screen: bool  # a screen share of another device


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetMessage:
    message_id: str
    device_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one message says."""

    users: tuple[MeetUser, ...] = ()
    messages: tuple[MeetMessage, ...] = ()
    streams: tuple[tuple[int, str], ...] = ()  # CSRC and device; no device: it is nobody's any more


class Unreadable(ValueError):
    """What the page was told cannot be read, whatever it was about."""


def read_channel(value: object) -> Told:
    """One message of the `collections` data channel: deflated, in base64. Raises Unreadable."""
    raw = _bytes(value)
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(raw, LARGEST_BYTES)
    except zlib.error as error:
        raise Unreadable from error
    if not inflating.eof:
        raise Unreadable
    return _read("Collections", plain)


def write_channel(event: dict[str, Any]) -> str:
    """What `read_channel` reads, from plain values: for page replicas."""
    message = _CLASSES["Collections"](event=event)
    return base64.b64encode(zlib.compress(message.SerializeToString())).decode()


def read_answer(value: object) -> Told:
    """An answer of SyncMeetingSpaceCollections, the whole list of people: base64 of the message. Raises Unreadable."""
    return _read("Body", _bytes(value))


def write_answer(body: dict[str, Any]) -> str:
    """What `read_answer` reads: for page replicas."""
    return base64.b64encode(_CLASSES["Body"](**body).SerializeToString()).decode()


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * LARGEST_BYTES:
        raise Unreadable
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable from error


def _read(kind: str, plain: bytes) -> Told:
    try:
        found = _CLASSES[kind].FromString(plain)
    except (DecodeError, ValueError) as error:
        raise Unreadable from error
    if not _is_text(found):
        raise Unreadable
    body = found.event.body if kind == "Collections" else found
    return Told(
        users=tuple(_user(one) for one in body.lists.users.users if one.device_id),
        messages=tuple(
            MeetMessage(message_id=one.message_id, device_id=one.device_id, text=one.body.text)
            for one in body.lists.chat.messages
            if one.message_id and one.device_id
        ),
        streams=tuple(
            (int(one.stream_id), one.device_id)
            for one in body.devices.outputs
            if one.kind == AUDIO and one.stream_id.isdecimal() and len(one.stream_id) < 11
        ),
    )


def _is_text(message: Any) -> bool:
    """Protobuf gives bytes for a string that is no UTF-8."""
    for declared, value in message.ListFields():
        values = value if declared.is_repeated else (value,)
        if declared.type == declared.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
        if declared.type == declared.TYPE_STRING and not all(isinstance(one, str) for one in values):
            return False
    return True


def _user(one: Any) -> MeetUser:
    return MeetUser(
        device_id=one.device_id,
        name=one.display_name or one.full_name,
        has_left=one.status in _GONE,
        is_self=one.HasField("is_self"),
        is_screen=bool(one.parent_device_id),
    )


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="onrecord/meet.proto", package="onrecord.meet", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for label, number, kind, is_list in fields:
            declared = message.field.add(
                name=label, number=number, label=3 if is_list else 1, type=_TYPES.get(kind, _TYPES["message"])
            )
            if kind not in _TYPES:
                declared.type_name = f".onrecord.meet.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"onrecord.meet.{name}")) for name in _MESSAGES
    }


_CLASSES = _classes()
