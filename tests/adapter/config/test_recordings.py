"""What `onrecord status` and the demo tell of recordings, from a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.recordings import recording_status, recordings
from consent_notice.decisions import Act
from consent_notice.words import Purpose, SeatKind, VisitId
from storage.transcripts import Utterance
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site, open_site


async def recorded(site: Site, title: str) -> Meeting:
    """Ada agreed and spoke for two seconds, Grace refused and spoke; there is a bot of somebody else's."""
    host = await site.store.users.by_email("host@example.org") or await site.person("host", "Host", "host@example.org")
    meeting = await Meeting.begin(site, host, title)
    ada, grace = await meeting.join("Ada"), await meeting.join("Grace")
    await meeting.join("Notetaker", SeatKind.BOT)
    for seat in (ada, grace):
        await meeting.ask(seat)
    index = await meeting.decide(ada, Act.GIVE)
    await meeting.decide(grace, Act.REFUSE, tuple(Purpose))
    for seat in (ada, grace):
        await meeting.speak(seat, opus_packets(tone(440, 2000)))
    await meeting.end()
    (row,) = await site.store.tracks.segments(meeting.visit.id)
    said = Utterance(seat=ada, start_ms=0, end_ms=900, text="good morning", segment=row.id, words=2)
    await site.store.transcripts.put(
        meeting.visit.id, ada, [said], language="en", model="m", segments=[row.id], relies_on=[index]
    )
    return meeting


async def test_each_person_is_told_with_what_was_kept_of_them(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data") as site:
        assert await recordings(site.store) == []
        meeting = await recorded(site, "Weekly")
        told = await recording_status(site.store, meeting.visit.id)
    people = {person["name"]: person for person in told["participants"]}
    assert people["Grace"] == {"name": "Grace", "consent_status": "refused", "kept_s": 0.0, "words": 0}
    ada = people["Ada"]
    assert (ada["consent_status"], ada["words"]) == ("given", 2)
    assert 1.8 <= ada["kept_s"] <= 2.0
    assert set(people) == {"Ada", "Grace"}
    assert (told["meeting"], told["visit"]) == (meeting.row.id, meeting.visit.id)
    assert (told["title"], told["platform"], told["rule"]) == ("Weekly", "practice", "each_voice")
    assert "voices_missing" in told["consent_status"]
    assert told["left_reason"] == "everyone_left"
    assert told["started_at"].endswith("Z")
    assert told["ended_at"].endswith("Z")


async def test_the_newest_comes_first_and_an_unknown_visit_is_an_error(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data") as site:
        for title in ("first", "second"):
            await recorded(site, title)
            site.clock.pass_s(3600)
        assert [one["title"] for one in await recordings(site.store)] == ["second", "first"]
        with pytest.raises(LookupError):
            await recording_status(site.store, VisitId("nobody"))
