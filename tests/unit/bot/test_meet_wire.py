"""What Meet's messages say, and that whatever else comes says nothing."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.meet_wire import LARGEST_BYTES, NOTHING, read_answer, read_channel, write_channel


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
    assert told.streams == {111: "d1"}


def test_a_bomb_is_nothing() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(LARGEST_BYTES + 1))).decode()
    assert read_channel(bomb) == NOTHING


@pytest.mark.parametrize("value", [None, 5, "", "!", "AAAA", base64.b64encode(zlib.compress(b"\xff" * 9)).decode()])
def test_what_does_not_parse_is_nothing(value: object) -> None:
    assert read_channel(value) == NOTHING
    if value != "":
        assert read_answer(value).users == ()


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(noise: bytes) -> None:
    read_answer(base64.b64encode(noise).decode())
    read_channel(base64.b64encode(zlib.compress(noise)).decode())
