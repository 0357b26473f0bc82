"""Whose sound is heard of a page: known, wanted, alone where voices come apart, and under the line's present epoch."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.browser.listening import Listening
from bot.browser.script import PageFact, Signal, Sound
from bot.browser.tap import TappedFrame
from bot.ports import Hears
from bot.rtp import RtpPacket
from consent_notice.frames import HeardFrame
from consent_notice.words import SeatId
from tests.adapter.storage.hand_clock import HandClock

ANN, BEN = SeatId("ann"), SeatId("ben")
OPUS = bytes([0x78]) + b"sound"  # one frame of 20 ms


class Reader:
    """Knows CSRC 1 as Ann's and 2 as Ben's."""

    own_seat = None

    def owners(self, sound: Sound) -> frozenset[SeatId] | None:
        known = {1: ANN, 2: BEN}
        if not sound.csrcs or not set(sound.csrcs) <= known.keys():
            return None
        return frozenset(known[csrc] for csrc in sound.csrcs)

    def take(self, signal: Signal) -> Iterable[PageFact]:
        return []

    def own_message(self, text: str) -> str | None:
        return None

    def known_until(self, now_ms: int) -> int | None:
        return now_ms


class Page:
    def __init__(self, hears: Hears = Hears.SEPARATE) -> None:
        self.clock, self.frames, self.number = HandClock(), list[HeardFrame](), 0
        self.listening = Listening(reader=Reader(), hears=hears, clock=self.clock, push=self.frames.append)
        self.begin(1)

    def begin(self, epoch: int) -> None:
        told = {"number": 1, "epoch": epoch, "track_id": "t", "stream_ids": ["s"], "mid": "0"}
        self.listening.line(told)

    def tells(self, *csrcs: int, epoch: int = 1) -> None:
        name = " ".join(map(str, (1, epoch, 9, *csrcs)))
        self.listening.source({"number": 1, "epoch": epoch, "ssrc": 9, "csrcs": csrcs, "name": name})

    async def sends(self, *csrcs: int, epoch: int = 1, packets: int = 30, ssrc: int = 9) -> None:
        for _ in range(packets):
            self.number += 1
            self.clock.pass_ms(20)
            packet = RtpPacket(
                payload_type=0,
                marker=False,
                sequence_number=self.number,
                timestamp=960 * self.number,
                ssrc=ssrc,
                payload=OPUS,
            )
            self.listening.frame(TappedFrame(line=1, epoch=epoch, csrcs=csrcs, packet=packet))

    @property
    def heard(self) -> set[frozenset[SeatId] | None]:
        return {frame.speakers for frame in self.frames}


async def test_only_wanted_sources_are_asked_for_and_heard() -> None:
    page = Page()
    page.tells(1)
    page.tells(2)
    assert page.listening.wanted() == []
    await page.sends(1)
    assert page.frames == []
    page.listening.hear(frozenset({ANN}))
    assert page.listening.wanted() == ["1 1 9 1"]
    await page.sends(1)
    await page.sends(2)
    assert page.heard == {frozenset({ANN})}


@pytest.mark.parametrize("csrcs", [(), (3,), (1, 3), (1, 2)])
async def test_unknown_and_mixed_sound_is_nobodys_where_voices_come_apart(csrcs: tuple[int, ...]) -> None:
    page = Page()
    page.listening.hear(frozenset({ANN, BEN}))
    page.tells(*csrcs)
    assert page.listening.wanted() == []
    await page.sends(*csrcs)
    assert page.frames == []


async def test_a_mix_is_of_all_that_speak_in_it_and_only_if_all_are_wanted() -> None:
    page = Page(Hears.MIXED)
    page.listening.hear(frozenset({ANN}))
    await page.sends(1, 2)
    assert page.frames == []
    page.listening.hear(frozenset({ANN, BEN}))
    await page.sends(1, 2)
    assert page.heard == {frozenset({ANN, BEN})}


async def test_another_epoch_forgets_whose_the_line_was() -> None:
    page = Page()
    page.tells(1)
    page.listening.hear(frozenset({ANN}))
    await page.sends(1)
    before = len(page.frames)
    assert before > 0
    page.begin(2)
    assert page.listening.wanted() == []
    await page.sends(1, epoch=1)
    assert len(page.frames) == before  # what still came of the old one
    page.tells(1, epoch=2)
    assert page.listening.wanted() == ["1 2 9 1"]
    await page.sends(1, epoch=2)
    assert len({frame.track for frame in page.frames}) == 2


async def test_a_withdrawal_drops_what_still_waits() -> None:
    page = Page()
    page.listening.hear(frozenset({ANN}))
    await page.sends(1, packets=5)  # within the first 200 ms nothing is pushed yet
    assert page.frames == []
    page.listening.hear(frozenset())
    page.listening.hear(frozenset({ANN}))
    await page.sends(1, packets=3)
    assert page.frames == []


async def test_another_source_on_the_same_line_is_dated_by_itself() -> None:
    page = Page()
    page.listening.hear(frozenset({ANN}))
    await page.sends(1)
    await page.sends(1, ssrc=10)
    assert len({frame.track for frame in page.frames}) == 2
