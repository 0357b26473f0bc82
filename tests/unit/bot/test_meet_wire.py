"""What Meet's messages say, and that whatever else comes says nothing."""

from __future__ import annotations

import base64
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.meet_wire import LARGEST_BYTES, Told, Unreadable, read_answer, read_channel, write_answer, write_channel


def test_people_streams_and_chat_are_read() -> None:
    users = [
        {"device_id": "d1", "full_name": "Ann Example", "display_name": "Ann", "status": 1},
        {"device_id": "d2", "full_name": "onrecord", "status": 1, "is_self": b"1"},
        {"device_id": "d3", "full_name": "Ann", "status": 1, "parent_device_id": "d1"},
        {"device_id": "d4", "full_name": "Ben", "status": 6},
    ]
    chat = [{"message_id": "m1", "device_id": "d1", "at": 5, "body": {"text": "record yes"}}]
    outputs = [
        {"kind": 1, "stream_id": "111", "device_id": "d1"},
        {"kind": 2, "stream_id": "112", "device_id": "d1"},
        {"kind": 1, "stream_id": "113"},  # freed
        {"kind": 1, "stream_id": "x", "device_id": "d4"},
    ]
    lists = {"users": {"users": users}, "chat": {"messages": chat}}
    told = read_channel(write_channel({"body": {"lists": lists, "devices": {"outputs": outputs}}}))
    assert [(one.name, one.has_left, one.is_self, one.is_screen) for one in told.users] == [
        ("Ann", False, False, False),
        ("onrecord", False, True, False),
        ("Ann", False, False, True),
        ("Ben", True, False, False),
    ]
    assert [(one.message_id, one.device_id, one.text) for one in told.messages] == [("m1", "d1", "record yes")]
    assert told.streams == ((111, "d1"), (113, ""))
    assert read_answer(write_answer({"lists": lists})).users == told.users


def test_a_bomb_is_not_read() -> None:
    with pytest.raises(Unreadable):
        read_channel(base64.b64encode(zlib.compress(bytes(LARGEST_BYTES + 1))).decode())


@pytest.mark.parametrize(
    "value", [None, 5, "!", "AAAA", "", base64.b64encode(zlib.compress(b"\xff" * 9)).decode(),
              base64.b64encode(zlib.compress(bytes(50))[:-5]).decode()],
)  # fmt: skip
def test_what_does_not_parse_is_an_error_and_not_nothing(value: object) -> None:
    with pytest.raises(Unreadable):
        read_channel(value)


@pytest.mark.parametrize("field", ["full_name", "device_id"])
def test_text_that_is_no_utf_8_is_not_read(field: str) -> None:
    users = [{"device_id": "d1", "full_name": "Ann"}, {"device_id": "d2", "full_name": "Ben", field: "XXXX"}]
    raw = base64.b64decode(write_answer({"lists": {"users": {"users": users}}}))
    for write, read in ((bytes, read_answer), (_collections, read_channel)):
        assert read(base64.b64encode(write(raw)).decode()).users
        with pytest.raises(Unreadable):
            read(base64.b64encode(write(raw.replace(b"XXXX", b"\xff\xfe\xff\xfe"))).decode())


def _collections(body: bytes) -> bytes:
    """A message of the channel: event 1, body 2 in it."""
    event = bytes([0x12, len(body)]) + body
    return zlib.compress(bytes([0x0A, len(event)]) + event)


@pytest.mark.parametrize("value", [None, 5, "!", base64.b64encode(b"\xff" * 9).decode()])
def test_so_is_an_answer_that_does_not(value: object) -> None:
    with pytest.raises(Unreadable):
        read_answer(value)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(noise: bytes) -> None:
    for read, bytes_ in ((read_answer, noise), (read_channel, zlib.compress(noise))):
        with suppress(Unreadable):
            assert isinstance(read(base64.b64encode(bytes_).decode()), Told)
