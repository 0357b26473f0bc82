"""How far back a packet's sound may reach."""

from __future__ import annotations

import pytest

from consent_notice.frames import Encoding, HeardFrame, judged_from_ms
from consent_notice.words import SeatId


@pytest.mark.parametrize(
    ("duration_ms", "encoding", "path_delay_ms", "from_ms"),
    [
        (20, Encoding.OPUS, 0, 980),  # it may repeat the packet before it
        (60, Encoding.OPUS, 15, 925),
        (5, Encoding.OPUS, 0, 993),  # the encoder's look-ahead is longer than the packet
        (20, Encoding.PCM_S16LE_48K, 0, 1_000),
        (20, Encoding.PCM_S16LE_48K, 15, 985),
    ],
)
def test_the_judged_span_begins_where_the_oldest_sound_may_be(
    duration_ms: int, encoding: Encoding, path_delay_ms: int, from_ms: int
) -> None:
    assert judged_from_ms(1_000, duration_ms, encoding, path_delay_ms) == from_ms


def test_a_frame_ends_one_duration_after_its_capture() -> None:
    frame = HeardFrame(
        track="ann",
        speakers=frozenset({SeatId("ann")}),
        captured_ms=1_000,
        duration_ms=20,
        rtp_timestamp=0,
        encoding=Encoding.OPUS,
        payload=b"",
    )
    assert frame.ends_ms == 1_020
