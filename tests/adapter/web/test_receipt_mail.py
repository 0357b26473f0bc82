"""A receipt by mail: to whom it is about, without the title, with a file that holds; and told where it goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from consent_notice.checkpoint import read_verifier_key
from consent_notice.receipt_page import check_file
from storage.vault import verify_signature
from tests.simulators.mail_server import SimulatedMailServer, mail_server
from tests.simulators.page_answers import YES, agree
from tests.simulators.web_site import Browser, Meeting, Site, open_site
from web.settings import MailServer

TO = "ada@example.org"


@dataclass
class Scene:
    site: Site
    meeting: Meeting
    ada: Browser  # her page is bound
    server: SimulatedMailServer

    async def send(self, address: str, **fields: str) -> None:
        await self.ada.submit(f"{self.meeting.link}/receipt/mail", address=address, **fields)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with mail_server() as server:
        mail = MailServer(host="localhost", port=server.port, security="none", sender="onrecord@example.org")
        async with open_site(tmp_path / "data", mail=mail) as site:
            meeting = await Meeting.begin(site, await site.person("host", "Ingrid Solberg", "i@e.org"), "Secret merger")
            seat = await meeting.join("Ada Lovelace")
            await meeting.ask(seat)
            async with site.browser() as browser:
                await agree(meeting, browser, seat)
                yield Scene(site, meeting, browser, server)


async def test_it_arrives_says_no_title_and_its_file_holds(scene: Scene) -> None:
    await scene.send(f"  {TO} ")
    assert "The mail is on its way" in scene.ada.text
    assert scene.server.recipients == [TO]
    (mail,) = scene.server.mails
    assert (mail["To"], mail["From"], mail["Auto-Submitted"]) == (TO, "onrecord@example.org", "auto-generated")
    body = mail.get_body(("plain",))
    assert body is not None
    for words in ("Practice room", "Fri 20 Nov 2026, 13:00 UTC", "Ingrid Solberg"):
        assert words in body.get_content()
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "onrecord-receipt-2026-11-20.html"
    file = attached.get_payload(decode=True)
    assert isinstance(file, bytes)
    checked = check_file(file, read_verifier_key(scene.site.store.log.vkey), verify_signature)
    assert checked.record["header"]["shown_as"] == "Ada Lovelace"
    for text in (scene.server.raw[0], file):
        assert b"merger" not in text


async def test_the_address_is_kept_nowhere(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await scene.send(TO)
    scene.server.refuses = "550 5.1.1 no"
    await scene.send(TO)
    assert TO not in scene.ada.text
    assert TO not in "".join(
        str(vars(record)) for record in caplog.records if record.name.startswith(("web", "storage"))
    )
    for path in scene.site.settings.data_dir.rglob("*"):
        assert not path.is_file() or TO.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("address", "refuses", "rejects", "words"),
    [
        ("ada", "", "", "That is no mail address"),
        ("", "", "", "That is no mail address"),
        ("a@example.org\r\nBcc: b@example.org", "", "", "That is no mail address"),
        (TO, "550 5.1.1 no such box", "", "does not take that address"),
        (TO, "", "451 4.3.0 broken", "could not be sent just now"),
    ],
)
async def test_what_goes_wrong_is_told(scene: Scene, address: str, refuses: str, rejects: str, words: str) -> None:
    scene.server.refuses, scene.server.rejects = refuses, rejects
    await scene.send(address)
    assert scene.ada.status == 200
    assert words in scene.ada.text
    assert scene.server.mails == []
    assert "receipt.html" in scene.ada.text  # the way that is left


async def test_it_is_in_the_persons_language(scene: Scene) -> None:
    await scene.ada.open(f"{scene.meeting.link}?lang=pl")
    await scene.send(TO)
    assert "Wiadomość jest w drodze" in scene.ada.text
    assert scene.server.mails[0]["Subject"] == "Potwierdzenie odpowiedzi"
    (attached,) = scene.server.mails[0].iter_attachments()
    assert "<h1>Zgoda udzielona</h1>" in attached.get_content()


async def test_nobodys_box_is_filled(scene: Scene) -> None:
    for _ in range(5):
        await scene.send(TO)
    assert "enough mails for now" in scene.ada.text
    assert len(scene.server.mails) == 3


async def test_only_a_bound_page_sends_and_only_from_its_own_form(scene: Scene) -> None:
    path = f"{scene.meeting.link}/receipt/mail"
    await scene.ada.send(path, {"address": TO})
    assert scene.ada.status == 403
    async with scene.site.browser() as other:
        await other.open(scene.meeting.link)
        await other.send(path, {**other.hidden(scene.meeting.link), "address": TO})
        assert other.status == 404
        await other.open(scene.meeting.link)
        await other.submit(scene.meeting.link, **YES)
        assert "receipt/mail" not in other.text
    assert scene.server.mails == []


async def test_without_a_mail_server_none_is_offered(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data") as site, site.browser() as browser:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        seat = await meeting.join("Ada")
        await meeting.ask(seat)
        await agree(meeting, browser, seat)
        assert "receipt/mail" not in browser.text
        hidden = browser.hidden(f"{meeting.link}/withdraw")
        await browser.send(f"{meeting.link}/receipt/mail", {**hidden, "address": TO})
        assert browser.status == 404
