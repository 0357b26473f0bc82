"""The sealed form: what was written is read, a cut reads to its last whole chunk, and any changed byte is seen."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from consent_notice.canonical import canonical, read_canonical
from consent_notice.frames import Encoding
from consent_notice.words import Rule, SeatId, SegmentId, VisitId
from storage.errors import BrokenRecord
from storage.parts import (
    PartSeal,
    SegmentHeader,
    StoredFrame,
    _nonce,
    decode_frames,
    encode_frames,
    read_header,
    read_part,
)

KEY = bytes(range(32))
HEADER = SegmentHeader(
    visit=VisitId("visit"),
    epoch=3,
    segment=SegmentId("segment"),
    track="ann:1",
    seats=(SeatId("ann"), SeatId("bob")),
    rule=Rule.EVERYONE,
    relies_on=(4, 7),
    encoding=Encoding.OPUS,
    key_id="key",
    boot_id="boot",
    opened_ms=1_000,
)
INNER, LAST = 0, 1


def frames(first: int, count: int) -> list[StoredFrame]:
    return [
        StoredFrame(
            captured_ms=number * 20,
            duration_ms=20,
            rtp_timestamp=number * 960 - 5,
            payload=bytes([number % 256]) * (number % 7),
            encoding=Encoding.OPUS,
        )
        for number in range(first, first + count)
    ]


def sealed(key: bytes = KEY, header: bytes | None = None, part: int = 2) -> bytes:
    seal = PartSeal(key, header or HEADER.to_bytes())
    return b"".join(
        seal.seal(part, index, encode_frames(frames(index * 12, 12))[0], LAST if index == 3 else INNER)
        for index in range(4)
    )


SEAL = PartSeal(KEY, HEADER.to_bytes())


def test_frames_survive_their_coding() -> None:
    assert list(decode_frames(encode_frames(frames(0, 30))[0], Encoding.OPUS)) == frames(0, 30)


@pytest.mark.parametrize("cut", range(1, 40))
def test_frames_that_are_cut_are_refused(cut: int) -> None:
    text, _, _ = encode_frames(frames(5, 2))
    if cut < len(text) and cut != 20 + 5:
        with pytest.raises(BrokenRecord):
            list(decode_frames(text[:cut], Encoding.OPUS))


def test_a_header_survives_its_coding() -> None:
    assert read_header(HEADER.to_bytes()) == HEADER


def test_any_changed_byte_of_a_header_is_seen_or_is_another_header() -> None:
    text = HEADER.to_bytes()
    for position in range(len(text)):
        for bit in range(8):
            changed = text[:position] + bytes([text[position] ^ 1 << bit]) + text[position + 1 :]
            try:
                assert read_header(changed) != HEADER
            except BrokenRecord:
                continue
            assert read_part(sealed(), PartSeal(KEY, changed), 2, Encoding.OPUS).problem is not None


@pytest.mark.parametrize("change", [{"epoch": "3"}, {"seats": [1]}, {"relies_on": ["4"]}, {"rule": "nobody"}, {"x": 1}])
def test_a_header_with_other_values_is_refused(change: dict[str, object]) -> None:
    fields = read_canonical(HEADER.to_bytes())
    assert isinstance(fields, dict)
    with pytest.raises(BrokenRecord):
        read_header(canonical(fields | change))  # type: ignore[arg-type]


def test_a_whole_part_is_read() -> None:
    read = read_part(sealed(), SEAL, 2, Encoding.OPUS)
    assert [frame for chunk in read.chunks for frame in chunk] == frames(0, 48)
    assert (read.problem, read.has_end, read.whole_bytes) == (None, True, len(sealed()))


def test_a_cut_part_reads_to_its_last_whole_chunk_and_says_so() -> None:
    whole = sealed()
    for length in range(len(whole)):
        read = read_part(whole[:length], SEAL, 2, Encoding.OPUS)
        assert read.problem == "it is cut off"
        assert not read.has_end
        assert read.whole_bytes <= length
        kept = [frame for chunk in read.chunks for frame in chunk]
        assert kept == frames(0, 12 * len(read.chunks))


def test_every_changed_byte_is_seen() -> None:
    whole, draw = sealed(), random.Random(1)
    for position in range(len(whole)):
        changed = whole[:position] + bytes([whole[position] ^ 1 << draw.randrange(8)]) + whole[position + 1 :]
        assert read_part(changed, SEAL, 2, Encoding.OPUS).problem is not None


def test_chunks_can_be_neither_moved_nor_left_out_nor_added() -> None:
    seal, (text, _, _) = SEAL, encode_frames(frames(0, 3))
    chunks = [seal.seal(2, index, text, INNER) for index in range(3)] + [seal.seal(2, 3, text, LAST)]
    orders = ([0, 2, 1, 3], [0, 1, 3], [1, 2, 3], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [0, 1, 2, 3, 0], [3])
    for order in orders:
        content = b"".join(chunks[index] for index in order)
        assert read_part(content, seal, 2, Encoding.OPUS).problem is not None


def test_a_part_opens_only_under_its_own_number_header_and_key() -> None:
    assert read_part(sealed(), SEAL, 3, Encoding.OPUS).chunks == ()
    other_header = replace(HEADER, relies_on=(4,)).to_bytes()
    assert read_part(sealed(), PartSeal(KEY, other_header), 2, Encoding.OPUS).chunks == ()
    assert read_part(sealed(), PartSeal(KEY[::-1], HEADER.to_bytes()), 2, Encoding.OPUS).chunks == ()


def test_no_two_chunks_share_a_nonce() -> None:
    seen = {_nonce(part, index, kind) for part in range(40) for index in range(150) for kind in range(3)}
    assert len(seen) == 40 * 150 * 3
