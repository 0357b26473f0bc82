"""What a meeting's page looked like when the bot was out of it: shown to admins in the review, and to nobody else."""

from __future__ import annotations

import base64

from tests.adapter.web.conftest import People
from tests.simulators.web_site import Meeting, Site

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


async def removed(site: Site, people: People) -> Meeting:
    meeting = await Meeting.begin(site, people.ingrid, "Quarterly planning")
    await site.store.snapshots.keep(
        meeting.visit.id, state="removed", outline="main > <b>button</b>", picture_png=PICTURE
    )
    return meeting


async def test_an_admin_sees_the_picture_and_the_outline(site: Site, people: People) -> None:
    meeting = await removed(site, people)
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
        assert "gone after 7 days" in text
        assert "main &gt; &lt;b&gt;button" in text
        address = f"/review/{meeting.visit.id}/snapshots/0.png"
        assert address in text
        async with browser.session.get(site.url + address) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PICTURE)
        await browser.open(f"/review/{meeting.visit.id}/snapshots/1.png")
        assert browser.status == 404


async def test_a_host_and_a_stranger_do_not(site: Site, people: People) -> None:
    meeting = await removed(site, people)
    for user in (people.ingrid, None):
        async with (
            site.browser(user) as browser,
            browser.session.get(
                f"{site.url}/review/{meeting.visit.id}/snapshots/0.png", allow_redirects=False
            ) as answer,
        ):
            assert answer.status in (303, 403, 404)


async def test_one_that_cannot_be_read_does_not_hide_the_review(site: Site, people: People) -> None:
    meeting = await removed(site, people)
    (path,) = (site.store.data_dir / "snapshots").iterdir()
    path.write_bytes(b"not sealed by this key, or cut off")
    async with site.browser(people.admin) as browser:
        text = await browser.open(f"/review/{meeting.visit.id}")
    assert browser.status == 200
    assert "gone after 7 days" not in text
