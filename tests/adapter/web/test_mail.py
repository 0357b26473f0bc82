"""Handing in a mail: to a real SMTP server, over TLS, with a password, and what goes wrong on the way."""

from __future__ import annotations

import logging
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.simulators.mail_server import PASSWORD, USER, mail_server
from web.mail import AddressRefused, MailNotSent, is_address, send
from web.settings import MailServer

TO = "ada@example.org"


def message(to: str = TO) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "onrecord@example.org", to, "Zażółć"
    made.set_content("Gęślą jaźń\n")
    return made


def server_at(port: int, **changes: str) -> MailServer:
    server = MailServer(host="localhost", port=port, security="none", sender="onrecord@example.org")
    return replace(server, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
async def test_a_mail_arrives(security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"user": USER, "password": PASSWORD} if security == "starttls" else {}
    async with mail_server(security, tmp_path) as server:
        if security != "none":
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))
        await send(server_at(server.port, security=security, **login), message())
    assert server.recipients == [TO]
    assert server.mails[0]["Subject"] == "Zażółć"
    assert server.mails[0].get_content().strip() == "Gęślą jaźń"


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_server_that_nobody_vouches_for_gets_nothing(security: str, tmp_path: Path) -> None:
    async with mail_server(security, tmp_path) as server:
        with pytest.raises(MailNotSent):
            await send(server_at(server.port, security=security, user=USER, password=PASSWORD), message())
    assert server.mails == []


async def test_where_tls_is_asked_for_nothing_goes_in_the_clear() -> None:
    async with mail_server("none") as server:
        for security in ("tls", "starttls"):
            with pytest.raises(MailNotSent):
                await send(server_at(server.port, security=security, user=USER, password=PASSWORD), message())
    assert server.mails == []


async def test_a_wrong_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server("starttls", tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))
        with pytest.raises(MailNotSent):
            await send(server_at(server.port, security="starttls", user=USER, password="wrong"), message())
    assert server.mails == []
    assert [vars(record)["code"] for record in caplog.records if record.name == "web.mail"] == [535]


@pytest.mark.parametrize(
    ("refuses", "rejects", "error"),
    [
        ("550 5.1.1 no such box", "", AddressRefused),
        ("451 4.7.1 come back later", "", MailNotSent),
        ("", "554 5.6.0 no receipts here", MailNotSent),
        ("", "452 4.3.1 full", MailNotSent),
    ],
)
async def test_what_is_refused_says_so_and_names_nobody_in_the_log(
    refuses: str, rejects: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="web.mail")
    async with mail_server() as server:
        server.refuses, server.rejects = refuses, rejects
        with pytest.raises(MailNotSent) as caught:
            await send(server_at(server.port), message())
    assert type(caught.value) is error
    assert caught.value.__cause__ is None
    told = [record for record in caplog.records if record.name == "web.mail"]
    assert told
    assert TO not in "".join(str(vars(record)) for record in told)


async def test_nobody_there() -> None:
    async with mail_server() as server:
        pass
    with pytest.raises(MailNotSent):
        await send(server_at(server.port), message())
    with pytest.raises(MailNotSent):
        await send(replace(server_at(server.port), host="no-such-host.invalid"), message())


@pytest.mark.parametrize(
    "text", ["ada@example.org", "a.b+c@mail.example.co", "x'y@xn--bcher-kva.example", "a@1.example"]
)
def test_what_is_an_address(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@example.org", "ada@example", "ada@@example.org", "ada@exa mple.org", "ada@example..org",
        "ada@example.org\nBcc: all@example.org", "ada@example.org, ben@example.org", "Ada <ada@example.org>",
        "ada@-example.org", "zoë@example.org", '"a b"@example.org', "a" * 65 + "@example.org",
        "a@" + "b" * 260 + ".org",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not is_address(text)
