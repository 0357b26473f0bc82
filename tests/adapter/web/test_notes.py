"""A host's own notes of a meeting are theirs alone, whether anything was recorded or not."""

from __future__ import annotations

from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site


async def test_a_host_types_notes_and_nobody_else_sees_them(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    place = f"/recordings/{meeting.visit.id}"
    async with site.browser(people.ingrid) as host:
        await host.open("/meetings/live")
        assert f'href="{place}#notes"' in host.text
        await host.open(place)
        await host.submit(f"{place}/notes", notes="Offer <b>until Friday</b>")
        await host.open(place)
        assert "Offer &lt;b&gt;until Friday&lt;/b&gt;" in host.text
    async with site.browser(people.admin) as admin:
        await admin.open(place)
        assert admin.status == 404
        assert "until Friday" not in await admin.open(f"/review/{meeting.visit.id}")


async def test_nobody_writes_another_hosts_notes(site: Site, people: People) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    place = f"/recordings/{meeting.visit.id}"
    async with site.browser(people.admin) as admin:
        await admin.open("/account")
        hidden = admin.hidden("/account/place")
        await admin.send(f"{place}/notes", {**hidden, "notes": "mine now"})
        assert admin.status == 404
    assert await site.store.host_notes.read(meeting.visit.id) == ""
