"""The tap's wire: what is no whole frame is nothing, redundant sound is left out, and only its token opens it."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.tap import LINES_A_FRAME, Tap, TappedFrame, primary_of, read_frame

HEAD = struct.Struct("!IIIHIBBB")


def message(payload: bytes, *, coding: int = 0, csrcs: tuple[int, ...] = ()) -> bytes:
    head = HEAD.pack(3, 2, 77, 65_535, 960, coding, len(csrcs), 0)
    return head + struct.pack(f"!{len(csrcs)}I", *csrcs) + payload


def test_a_frame_is_read_with_all_that_tells_whose_it_is() -> None:
    frame = read_frame(message(b"opus", csrcs=(5, 6)), first_line=2_000)
    assert frame is not None
    assert (frame.line, frame.epoch, frame.csrcs) == (2_003, 2, (5, 6))
    packet = frame.packet
    assert (packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload) == (77, 65_535, 960, b"opus")


def test_of_redundant_sound_the_newest_alone_is_taken() -> None:
    """RFC 2198: a header of four bytes for each earlier block, one byte for the newest, then the blocks."""
    earlier = bytes([0x80 | 111]) + ((960 << 10) | 5).to_bytes(3, "big")
    red = earlier + bytes([111]) + b"older" + b"newest"
    assert primary_of(red) == b"newest"
    frame = read_frame(message(red, coding=1))
    assert frame is not None
    assert frame.packet.payload == b"newest"
    assert primary_of(bytes([111]) + b"alone") == b"alone"


@pytest.mark.parametrize("broken", [b"", b"\x80", bytes([0xEF, 0, 0, 5]), bytes([0xEF, 0xFF, 0xFF, 0xFF, 111]) + b"x"])
def test_what_is_no_red_is_nothing(broken: bytes) -> None:
    assert primary_of(broken) is None


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_frame_or_nothing(received: bytes) -> None:
    frame = read_frame(received)
    assert frame is None or frame.packet.payload


def test_another_coding_is_nothing() -> None:
    assert read_frame(message(b"pcm", coding=2)) is None
    assert read_frame(message(b"")) is None
    assert read_frame(message(b"", csrcs=(1, 2))[:-2]) is None


async def test_only_the_token_opens_it_and_each_frame_of_a_page_counts_apart() -> None:
    texts: list[dict[str, Any]] = []
    frames: list[TappedFrame] = []
    lost: list[int] = []
    tap = Tap(token="t0ken", on_text=texts.append, on_frame=frames.append, on_lost=lambda: lost.append(1))
    address = await tap.open()
    async with aiohttp.ClientSession() as session:
        for wrong in (address.replace("t0ken", "token"), address[: -len("/t0ken")]):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(wrong)
        async with session.ws_connect(address) as top, session.ws_connect(address) as inner:
            for socket in (top, inner):
                await socket.send_json({"t": "source", "name": "1 1 7", "number": 1})
                await socket.send_bytes(message(b"opus"))
                await socket.send_str("no json")
                await socket.send_str("[1]")
            async with asyncio.timeout(3):
                while len(frames) < 2 or len(texts) < 2:
                    await asyncio.sleep(0.01)
            assert sorted(told["name"] for told in texts) == ["0:1 1 7", f"{LINES_A_FRAME}:1 1 7"]
            assert sorted(frame.line for frame in frames) == [3, LINES_A_FRAME + 3]
            await tap.want([f"{LINES_A_FRAME}:1 1 7"])
            assert await top.receive_json(timeout=2) == {"wanted": []}
            assert await inner.receive_json(timeout=2) == {"wanted": ["1 1 7"]}
        async with asyncio.timeout(3):
            while not lost:
                await asyncio.sleep(0.01)
    assert lost == [1]
    await tap.close()
