"""The admin's review: picture, evidence with proof, log and check, over a real store."""

from __future__ import annotations

import re
from pathlib import Path

from consent_notice.checkpoint import Checkpoint, open_checkpoint, read_verifier_key, sign_checkpoint
from consent_notice.decisions import Act
from consent_notice.events import Means, RecordRead
from consent_notice.merkle import verify_inclusion
from consent_notice.words import SeatKind
from storage.copies import CheckpointCopies, Copy, folder_of
from storage.folder_copies import FolderPlace
from storage.key_file import read_key_file
from storage.vault import Vault, verify_signature
from tests.adapter.web.conftest import People
from tests.simulators.damage import change_last_byte
from tests.simulators.speech import opus_packets, tone
from tests.simulators.web_site import Meeting, Site


async def reviewed(site: Site, people: People) -> Meeting:
    meeting = await Meeting.begin(site, people.ingrid, "Quarterly <i>planning")
    await meeting.join("onrecord", SeatKind.BOT)
    ada, grace = await meeting.join("Ada"), await meeting.join("<script>alert(1)</script>\u202e")
    for seat in (ada, grace):
        await meeting.ask(seat)
    site.clock.pass_s(2)
    await meeting.decide(grace, Act.REFUSE, verbatim="record no <marquee>")
    await meeting.decide(ada, Act.GIVE, means=Means.PAGE)
    await meeting.speak(ada, opus_packets(tone(440, 3000)))
    await meeting.decide(ada, Act.WITHDRAW, verbatim="stop")
    site.clock.pass_s(2)
    await meeting.end()
    return meeting


async def test_the_review_shows_who_answered_what_and_how(site: Site, people: People) -> None:
    meeting = await reviewed(site, people)
    async with site.browser(people.admin) as browser:
        await browser.open("/review")
        assert "Quarterly &lt;i&gt;planning" in browser.text
        text = await browser.open(f"/review/{meeting.visit.id}")
    assert "record no &lt;marquee&gt;" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert ">Refused<" in text
    assert ">Withdrawn<" in text
    assert "on their own page" in text
    assert len(re.findall(r'class="mark refused"', text)) == 3  # lane, evidence, legend
    assert 'class="kept"' in text


async def test_looking_is_noted_and_shown(site: Site, people: People) -> None:
    meeting = await reviewed(site, people)
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
    events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
    assert [event.what for event in events if isinstance(event, RecordRead)] == ["evidence"]
    assert "Marek Nowak</bdi> read the evidence" in text


async def test_an_entry_is_proven_by_what_its_page_shows(site: Site, people: People) -> None:
    """With nothing but the page: leaf, path, checkpoint and key."""
    meeting = await reviewed(site, people)
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
        for link in sorted(set(re.findall(r'href="(/review/[^"]+/entries/\d+)"', text))):
            shown = await browser.open(link)
            leaf = bytes.fromhex(re.search(r'<dd class="mono">([0-9a-f]{64})<', shown)[1])  # type: ignore[index]
            path = [bytes.fromhex(step) for step in re.findall(r"<li>([0-9a-f]{64})</li>", shown)]
            note, vkey = re.findall(r"<pre>([^<]+)</pre>", shown)[-2:]
            note = note.replace("&#43;", "+")
            checkpoint = open_checkpoint(note, read_verifier_key(vkey), verify_signature)
            index = int(link.rsplit("/", 1)[1])
            assert verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)
            assert not verify_inclusion(leaf, index + 1, checkpoint.size, path, checkpoint.root)


async def test_an_entry_of_another_meeting_is_not_shown_under_this_one(site: Site, people: People) -> None:
    first, second = await reviewed(site, people), await Meeting.begin(site, people.omar)
    index = await second.decide(await second.join("Ada"), Act.GIVE)
    async with site.browser(people.admin) as browser:
        for path in (f"/review/{first.visit.id}/entries/{index}", f"/review/{first.visit.id}/entries/999999"):
            await browser.open(path)
            assert browser.status == 404


async def test_the_check_runs_and_finds_a_changed_part(site: Site, people: People) -> None:
    meeting = await reviewed(site, people)
    async with site.browser(people.admin) as browser:
        await browser.open(f"/review/{meeting.visit.id}")
        await browser.submit(f"/review/{meeting.visit.id}/verify")
        assert "Everything checks out." in browser.text, re.findall("<li>[^<]*</li>", browser.text)
        (part,) = (site.settings.data_dir / "tracks").rglob("*.part")
        part.chmod(0o600)
        change_last_byte(part)
        await browser.open("/log")
        await browser.submit("/log/verify")
        assert "found</strong>" in browser.text
        assert "checks out" not in browser.text


async def test_filters_by_consent_status(site: Site, people: People) -> None:
    await reviewed(site, people)
    async with site.browser(people.admin) as browser:
        assert "planning" in await browser.open("/review?status=voices_missing")
        assert "planning" not in await browser.open("/review?status=complete")
        assert "No recording has this status" in browser.text
        assert "planning" in await browser.open("/review?status=nonsense")


async def test_the_log_is_paged_from_the_newest(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    for number in range(30):
        await meeting.leave(await meeting.join(f"Person {number}"))
    async with site.browser(people.admin) as browser:
        text = await browser.open("/log")
        assert "61 in all" in text
        assert site.store.log.vkey.split("+")[0] in text
        assert "Person 1" not in text  # kinds and leaves, no names
        numbers = [int(number) for number in re.findall(r'data-label="No\.">(\d+)<', text)]
        assert numbers == list(range(60, 10, -1))
        older = await browser.open("/log?before=11")
        assert [int(number) for number in re.findall(r'data-label="No\.">(\d+)<', older)] == list(range(10, -1, -1))
        for nonsense in ("x", "-1", "99999999999999999999", "²"):
            await browser.open(f"/log?before={nonsense}")
            assert browser.status == 200


async def test_the_log_says_where_its_checkpoints_were_copied_and_what_fails(
    site: Site, people: People, tmp_path: Path
) -> None:
    await reviewed(site, people)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    places = [FolderPlace(folder, folder_of(site.store.log)) for folder in (elsewhere, tmp_path / "<b>missing")]
    async with site.browser(people.admin) as browser:
        assert "rewrite history unseen" in await browser.open("/log")
        await CheckpointCopies(site.store.log, site.settings.data_dir, site.clock, places=places).copy_once()
        text = await browser.open("/log")
        assert f"the log of {site.store.log.size()} entries" in text
        assert "No copy yet" in text
        assert "there is no such folder" in text
        assert "&lt;b&gt;missing" in text
        assert "does not continue" not in text


async def test_a_log_that_lost_entries_is_told_wherever_the_admin_looks_first(
    site: Site, people: People, tmp_path: Path
) -> None:
    meeting = await reviewed(site, people)
    place = FolderPlace(tmp_path, folder_of(site.store.log))
    key, vault = site.store.log.key, Vault(read_key_file(site.settings.data_dir))
    lost = sign_checkpoint(Checkpoint(origin=key.name, size=9_000, root=bytes(32)), key, vault.sign)
    await place.put(Copy(size=9_000, note=lost))
    await CheckpointCopies(site.store.log, site.settings.data_dir, site.clock, places=[place]).copy_once()
    async with site.browser(people.admin) as browser:
        for path in ("/log", "/review"):
            text = await browser.open(path)
            assert "The log does not continue a checkpoint that it published" in text
            assert "signed over 9000 entries" in text
    async with site.browser(people.ingrid) as browser:
        assert "does not continue" not in await browser.open(f"/recordings/{meeting.visit.id}")


async def test_empty_states_help(site: Site, people: People) -> None:
    async with site.browser(people.admin) as browser:
        assert "Nothing to review yet" in await browser.open("/review")
        assert "The log is empty" in await browser.open("/log")
        assert "Nothing was recorded yet" in await browser.open("/recordings")
        assert "connect a calendar" in await browser.open("/meetings")


async def test_a_running_meeting_can_be_reviewed(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    await meeting.ask(await meeting.join("Ada"))
    site.clock.pass_s(90)
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
    assert ">Running<" in text
    assert "1 min 30 s" in text
    assert "Nobody has answered" in text
