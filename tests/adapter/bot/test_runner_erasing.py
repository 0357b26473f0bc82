"""Somebody takes their yes back and has what was kept erased, while the bot goes on recording somebody else."""

from __future__ import annotations

import asyncio

from bot.ports import LeftReason
from consent_notice.decisions import Act
from consent_notice.events import Decided, Erased, Means
from consent_notice.words import IdentityLevel, Purpose, SeatId, VisitId
from storage.erasure_wishes import SETTLED_AFTER, Wish
from tests.adapter.bot.conftest import CLOCK, BotAtWork, until

PURPOSES = (Purpose.RECORDING, Purpose.TRANSCRIPTION)


async def withdraw_and_erase(at_work: BotAtWork, visit: VisitId, seat: SeatId) -> None:
    """As a page does that is bound to the seat."""
    said = next(
        entry.event
        for entry in at_work.store.log.entries_of(visit)
        if isinstance(entry.event, Decided) and entry.event.seat == seat
    )
    withdrawn = Decided(
        visit=visit,
        epoch=1,
        seat=seat,
        acts=tuple((purpose, Act.WITHDRAW) for purpose in PURPOSES),
        means=Means.PAGE,
        identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by="page code",
        notice=said.notice,
        notice_version=said.notice_version,
        notice_language=said.notice_language,
        notice_sha256=said.notice_sha256,
        message_id="form",
        verbatim="",
        reader_version="1",
        boot_id=CLOCK.boot_id,
        at_ms=CLOCK.boot_ms(),
    )
    wish = Wish(id="wish", visit=visit, seat=seat, page="p", authority="asked for")
    await at_work.store.erasure_wishes.ask(wish, [(withdrawn, "withdrawal")])


async def test_it_is_gone_within_seconds_and_the_other_voice_goes_on(at_work: BotAtWork) -> None:
    world, meeting, store = at_work.world, await at_work.plan(), at_work.store
    ann, ben = world.joins("Ann"), world.joins("Ben")
    async with at_work.visiting(meeting) as visiting:
        await until(lambda: world.notices_to(ann) and world.notices_to(ben))
        for seat in (ann, ben):
            world.writes(seat, "record yes")
        await until(lambda: world.is_kept(ann) and world.is_kept(ben))
        await asyncio.sleep(1.5)
        visit = (await at_work.visit_of(meeting)).id
        await withdraw_and_erase(at_work, visit, ann)
        asked_ms = CLOCK.boot_ms()
        await until(lambda: not world.is_kept(ann))
        async with asyncio.timeout(15):
            while not await store.erasure_wishes.carry_out():
                await asyncio.sleep(0.25)
        took_ms = CLOCK.boot_ms() - asked_ms
        assert await at_work.kept(visit, ann) == []
        assert world.is_kept(ben)
        world.writes(ann, "record yes")
        await until(lambda: world.is_kept(ann))
        agreed_ms = CLOCK.boot_ms()
        await asyncio.sleep(1)
        world.ends(LeftReason.MEETING_ENDED)
        await visiting
    assert took_ms < SETTLED_AFTER.total_seconds() * 1_000 + 5_000
    await store.erasure_wishes.carry_out()
    kept = await at_work.kept(visit, ann)
    assert kept, "what she agreed to later stays"
    assert min(kept) > asked_ms
    assert min(kept) > agreed_ms - 2_000
    assert len(await at_work.kept(visit, ben)) > 100
    erased = [entry.event for entry in store.log.entries_of(visit) if isinstance(entry.event, Erased)]
    assert "asked for" in {event.authority for event in erased}
    at_work.check()
