"""Nothing that a host can load tells a refusal from silence, nor from a withdrawal of somebody who was never kept.

One meeting is played several times with the same people at the same moments; only what Grace does differs. At each
moment everything that the host can load is taken, and all of it must be the same, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Means, RecordingBarred
from consent_notice.words import Purpose, Rule, SeatId, SeatKind
from storage.retention import Retention
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Browser, Meeting, Site, open_site

Behaviour = Callable[[Meeting, SeatId], Awaitable[None]]
BEGAN_MS = 6_000_000


async def silent(meeting: Meeting, grace: SeatId) -> None:
    await meeting.decide(grace, Act.DEFER, means=Means.SYSTEM)  # as the bot notes after its one reminder


async def refuses(meeting: Meeting, grace: SeatId) -> None:
    await meeting.decide(grace, Act.REFUSE, tuple(Purpose), verbatim="record no")


async def refuses_on_a_page(meeting: Meeting, grace: SeatId) -> None:
    await meeting.ask(grace, means=Means.PAGE)  # the text that the page showed
    await meeting.decide(grace, Act.REFUSE, means=Means.PAGE)


async def stops_without_a_yes(meeting: Meeting, grace: SeatId) -> None:
    await meeting.decide(grace, Act.WITHDRAW, tuple(Purpose), verbatim="stop")


async def agrees_and_stops(meeting: Meeting, grace: SeatId) -> None:
    await meeting.decide(grace, Act.GIVE)
    await meeting.decide(grace, Act.WITHDRAW, tuple(Purpose), verbatim="stop")


async def is_under_18(meeting: Meeting, grace: SeatId) -> None:
    await refuses_on_a_page(meeting, grace)
    await meeting.log(RecordingBarred(visit=meeting.visit.id, epoch=1, why="somebody under 18", **meeting.now))


BEHAVIOURS: dict[str, Behaviour] = {
    "refuses": refuses,
    "refuses on a page": refuses_on_a_page,
    "stops without a yes": stops_without_a_yes,
    "agrees and stops": agrees_and_stops,
    "is under 18": is_under_18,
}


class Watch:
    """Loads all that the host can load, again and again."""

    def __init__(self, browser: Browser, meeting: Meeting, grace: SeatId) -> None:
        self.browser, self.meeting, self.grace = browser, meeting, grace
        self.seen: list[tuple[str, str, int, str, tuple[tuple[str, str], ...]]] = []

    async def look(self, moment: str) -> None:
        visit = self.meeting.visit.id
        for path in (
            "/meetings", "/meetings/live", "/recordings", f"/recordings/{visit}",
            f"/recordings/{visit}/voices/{self.grace}.ogg", self.meeting.link, f"{self.meeting.link}/state",
        ):  # fmt: skip
            await self.browser.open(path)
            self._keep(moment, path)

    async def act(self, moment: str, path: str, **fields: str) -> None:
        await self.browser.open("/meetings")
        await self.browser.send(path, {**self.browser.hidden(path), **fields})
        self._keep(moment, path)

    def _keep(self, moment: str, path: str) -> None:
        browser = self.browser
        headers = tuple(
            sorted((name, value) for name, value in browser.headers.items() if name not in ("Date", "Set-Cookie"))
        )
        text = re.sub(r"\b[2-7u-x]{26}\b", "ID", browser.text)  # tokens and ids, all of one form
        self.seen.append((moment, re.sub(r"\b[2-7u-x]{26}\b", "ID", path), browser.status, text, headers))


async def at(site: Site, seconds: float) -> None:
    site.clock.at_ms = BEGAN_MS + round(seconds * 1000)


async def play(data_dir: Path, rule: Rule, does: Behaviour, *, attests: bool) -> Watch:
    """Ada agrees after 35 s and is heard; Grace does something after 30 s; the host waits, pauses, goes on."""
    async with open_site(data_dir, attestation_allowed=attests) as site, AsyncExitStack() as stack:
        host = await site.person("host", "Ingrid Solberg", "ingrid@example.org")
        await at(site, 0)
        meeting = await Meeting.begin(site, host, "Same", rule, Rule.EACH_VOICE)
        await meeting.join("bot", SeatKind.BOT)
        ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
        watch = Watch(await stack.enter_async_context(site.browser(host)), meeting, grace)
        await at(site, 10)
        for seat in (ada, grace):
            await meeting.ask(seat)
        await watch.look("asked")
        await at(site, 30)
        await does(meeting, grace)
        await at(site, 31)
        await watch.look("Grace has done it")
        await at(site, 35)
        await meeting.decide(ada, Act.GIVE)
        await at(site, 36)
        await meeting.speak(ada, opus_packets(tone(440, 1000)))
        await at(site, 60)
        await watch.look("Ada was heard")
        act = f"/meetings/{meeting.row.id}/act"
        if attests:
            await watch.act("spoken for", f"/meetings/{meeting.row.id}/attest", seat=grace)
            await watch.look("after it")
        for seconds, wanted in (
            (99, ""),
            (101, ""),
            (102, "wait"),
            (103, "pause"),
            (104, "resume"),
            (105, "fall_back"),
        ):
            await at(site, seconds)
            if wanted:
                await watch.act(wanted, act, act=wanted)
            await watch.look(f"after {seconds} s")
        await at(site, 200)
        await meeting.end("not_everyone_agreed")
        await watch.look("over")
        await at(site, 3_600)
        await meeting.decide(grace, Act.REFUSE, means=Means.PAGE) if does is not silent else None
        await site.store.records.tag_recording(meeting.visit.id)
        await watch.look("long over")
        await at(site, 31 * 86_400)
        tidied = await Retention(site.store, site.clock, 90).tidy()
        assert tidied.failed == 0
        watch.browser = await stack.enter_async_context(site.browser(host))
        await watch.look("after 31 days")
        return watch


@pytest.mark.parametrize(("rule", "attests"), [(Rule.EVERYONE, False), (Rule.EVERYONE, True), (Rule.EACH_VOICE, False)])
async def test_a_host_sees_the_same_whatever_somebody_who_did_not_agree_did(
    tmp_path: Path, rule: Rule, attests: bool
) -> None:
    expected = (await play(tmp_path / "silent", rule, silent, attests=attests)).seen
    texts = "".join(text for _, _, _, text, _ in expected)
    assert ("Grace" in texts) is attests, "by name only where a host may speak for somebody, and then whoever is there"
    assert "has not agreed." in texts or rule is not Rule.EVERYONE
    assert ("Voices missing" in texts) is (rule is Rule.EACH_VOICE)
    for name, does in BEHAVIOURS.items():
        if does is is_under_18 and rule is not Rule.EVERYONE:
            continue  # there a refusal leaves the others' recording as it is, and this must end it
        seen = (await play(tmp_path / name.replace(" ", "-"), rule, does, attests=attests)).seen
        for one, other in zip(expected, seen, strict=True):
            assert one == other, f"{name}, {one[0]}: {one[1]}"


async def test_what_is_compared_would_differ_for_somebody_who_agreed(tmp_path: Path) -> None:
    """So that the test above can fail."""

    async def agrees(meeting: Meeting, grace: SeatId) -> None:
        await meeting.decide(grace, Act.GIVE)

    expected = (await play(tmp_path / "silent", Rule.EACH_VOICE, silent, attests=False)).seen
    seen = (await play(tmp_path / "agrees", Rule.EACH_VOICE, agrees, attests=False)).seen
    differing = {one[1] for one, other in zip(expected, seen, strict=True) if one != other}
    assert {"/meetings", "/meetings/live", "/recordings/ID"} <= differing
