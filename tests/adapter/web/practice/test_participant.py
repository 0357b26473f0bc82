"""Scripted people over real WebRTC: they hear one another, and know when they spoke."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
from collections import defaultdict

from bot.rtp import RtpPacket
from config.clock import SystemClock
from tests.simulators.hearing import decoded, level_db
from tests.simulators.practice_people import Enter, enter, room, tasks


async def test_people_hear_each_other_and_nobody_hears_themselves(enter: Enter) -> None:
    heard: dict[str, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))

    def ears(name: str) -> dict[str, object]:
        return {"on_sound": lambda seat, packet, _at_ms: heard[name][seat].append(packet.payload)}

    ann = await enter("Ann", **ears("Ann"))
    bob = await enter("Bob", **ears("Bob"))
    cia = await enter("Cia", **ears("Cia"))
    await asyncio.gather(ann.tone(500, 1.0), bob.tone(1_100, 1.0), cia.tone(1_900, 1.0))
    await asyncio.sleep(0.2)

    tones = {ann.seat: 500, bob.seat: 1_100, cia.seat: 1_900}
    for listener in (ann, bob, cia):
        assert set(heard[listener.name]) == set(tones) - {listener.seat}
        for speaker, packets in heard[listener.name].items():
            sound = decoded(packets)
            own_db = level_db(sound, tones[speaker])
            others_db = max(level_db(sound, hz) for seat, hz in tones.items() if seat != speaker)
            assert len(packets) >= 49
            assert own_db > -20
            assert own_db - others_db > 50


async def test_spoken_spans_are_what_was_said_and_when(enter: Enter) -> None:
    clock, arrivals_ms = SystemClock(), []

    def hear(_seat: str, _packet: RtpPacket, arrival_ms: int) -> None:
        arrivals_ms.append(arrival_ms)

    await enter("Bob", on_sound=hear)
    ann = await enter("Ann")
    before_ms = clock.boot_ms()
    said = await ann.tone(440, 0.5)
    await asyncio.sleep(0.1)
    assert ann.spoken == [said]
    assert said.end_ms - said.start_ms == 500
    assert before_ms <= said.start_ms <= arrivals_ms[0] - 20
    assert said.end_ms <= clock.boot_ms()
    assert arrivals_ms[0] - said.start_ms < 20 + 60  # the packet is 20 ms long; the rest is a busy machine's


async def test_between_sentences_a_microphone_may_send_silence(enter: Enter) -> None:
    heard: list[bytes] = []
    await enter("Bob", on_sound=lambda _seat, packet, _at: heard.append(packet.payload))
    await enter("Ann", sends_silence=True)
    await asyncio.sleep(0.6)
    assert len(heard) >= 20
    assert max(abs(decoded(heard))) < 0.001


async def test_leaving_breaks_off_what_is_being_said(enter: Enter) -> None:
    ann = await enter("Ann")
    async with asyncio.TaskGroup() as group:
        speaking = group.create_task(ann.tone(440, 5.0))
        await asyncio.sleep(0.5)
        await ann.leave()
    said = speaking.result()
    assert said.end_ms - said.start_ms < 1_000
