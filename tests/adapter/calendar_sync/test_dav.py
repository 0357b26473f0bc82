"""What leaves for a CalDAV server, and where to: reading methods only, the password to its own server only."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calendar_sync import fetching
from calendar_sync.caldav import CaldavCalendars
from calendar_sync.dav import METHODS, Login, NotAReadingMethod, open_dav
from calendar_sync.errors import (
    AddressNotAllowed,
    AddressNotUsable,
    CalendarError,
    CalendarUnreachable,
    LeadsElsewhere,
)
from calendar_sync.fetching import FetchLimits
from tests.simulators.caldav_reading import LIMITS, PASSWORD, Account, account_at
from tests.simulators.calendar_files import calendar_of, meeting
from tests.simulators.ics_reading import NOW, ROOM
from tests.simulators.radicale import Front, Radicale, front_of, methods_in, radicale

STRICT = FetchLimits(total_s=5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        one.front.seen.clear()
        yield one


@pytest.fixture
async def elsewhere(server: Radicale) -> AsyncIterator[Front]:
    async with front_of(server) as front:
        yield front


class _Names(aiohttp.abc.AbstractResolver):
    """The world's names, in place of DNS; counts how often it is asked."""

    answers: list[str]
    asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        address = self.answers[min(_Names.asked, len(self.answers) - 1)]
        _Names.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        return


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> type[_Names]:
    monkeypatch.setattr(aiohttp, "ThreadedResolver", _Names)
    _Names.asked, _Names.answers = 0, ["127.0.0.1"]
    return _Names


# ---- only reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["PUT", "POST", "DELETE", "PROPPATCH", "MKCALENDAR", "MKCOL", "MOVE", "COPY", "PATCH"]
)
async def test_no_other_method_can_leave(account: Account, method: str) -> None:
    login = Login(user=account.user, password=PASSWORD, server=account.front.url)
    async with open_dav(login, LIMITS, all_s=5) as dav:
        with pytest.raises(NotAReadingMethod):
            await dav._session.request(method, account.front.through(account.calendar) + "x.ics", data=b"x")
        for way in (dav._session.post, dav._session.put, dav._session.delete, dav._session.patch):
            with pytest.raises(NotAReadingMethod):
                await way(account.front.url)
    assert account.front.seen == []


async def test_only_reading_requests_are_ever_seen(account: Account) -> None:
    """Law 6, over all that this server was asked by us, in this test and those before it."""
    provider = account.provider
    await account.put("a", calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM)))
    for fault in (None, "500", "web page", "cut off", "429", None):
        account.front.fault = fault
        for step in (lambda: provider.connect(account.front.url, account.user, PASSWORD), account.read):
            with contextlib.nullcontext() if fault is None else pytest.raises(CalendarError):
                await step()
    await provider.calendars(account.credentials)
    assert not await provider.revoke(account.credentials)
    assert len(account.front.seen) > 12
    for seen in account.front.seen:
        assert seen.method in METHODS == {"PROPFIND", "REPORT"}
        assert set(seen.headers) <= {
            "Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Content-Length", "Authorization",
            "Depth",
        }  # fmt: skip
        assert ROOM not in seen.body
    assert methods_in(account.server.log) == {"PROPFIND", "REPORT"}


async def test_nothing_of_it_is_logged(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    await account.put("a", calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM, title="Secret plan")))
    with caplog.at_level(logging.DEBUG):
        await account.read()
        account.front.fault = "cut off"
        with pytest.raises(Exception, match="middle"):
            await account.read()
    of_the_test = ("aiohttp.access", "caldav")  # the front door, and the host's own calendar program
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(of_the_test))
    for secret in (PASSWORD, "Secret plan", ROOM, account.user):
        assert secret not in ours


# ---- where the password goes -----------------------------------------------------------------------------------------


async def test_a_redirect_on_the_server_itself_is_followed(account: Account) -> None:
    account.front.redirects["/.well-known/caldav"] = "/"
    granted = await account.provider.connect(account.front.url + ".well-known/caldav", account.user, PASSWORD)
    assert granted.name == account.user
    assert all("Authorization" in seen.headers for seen in account.front.seen)


async def test_a_redirect_to_another_server_is_not_followed(account: Account, elsewhere: Front) -> None:
    for target in (elsewhere.url, elsewhere.url.replace("127.0.0.1", "localhost")):
        account.front.redirects = {"/": target, "/.well-known/caldav": target}
        with pytest.raises(LeadsElsewhere):
            await account.provider.connect(account.front.url, account.user, PASSWORD)
        account.front.redirects = {f"/{account.user}/work/": target}
        with pytest.raises(LeadsElsewhere):
            await account.read()
    assert elsewhere.seen == []


@pytest.mark.parametrize("what", ["current-user-principal", "calendar-home-set"])
async def test_an_answer_that_points_to_another_server_is_not_followed(
    account: Account, elsewhere: Front, what: str
) -> None:
    account.front.edit = lambda seen, text: text.replace(f"{what}><href>/", f"{what}><href>{elsewhere.url}")
    with pytest.raises(LeadsElsewhere):
        granted = await account.provider.connect(account.front.url, account.user, PASSWORD)
        account.granted = granted
        await account.provider.calendars(account.credentials)
    assert elsewhere.seen == []


async def test_a_calendar_that_lies_elsewhere_is_neither_listed_nor_read(account: Account, elsewhere: Front) -> None:
    account.front.edit = lambda seen, text: text.replace(
        f"<href>/{account.user}/work/", f"<href>{elsewhere.url}{account.user}/work/"
    )
    assert await account.provider.calendars(account.credentials) == []
    account.front.port = elsewhere.port
    with pytest.raises(LeadsElsewhere):
        await account.read()
    assert elsewhere.seen == []


async def test_hrefs_in_an_answer_are_asked_about_and_never_asked(account: Account, elsewhere: Front) -> None:
    await account.put("a", calendar_of(meeting("a", NOW + timedelta(hours=1), link=ROOM)))
    account.front.edit = lambda seen, text: (
        text.replace("<href>/", f"<href>{elsewhere.url}") if seen.method == "REPORT" else text
    )
    await account.read()
    assert elsewhere.seen == []
    assert {seen.path for seen in account.front.seen} == {f"/{account.user}/work/"}


@pytest.mark.parametrize(
    ("server", "url", "is_for"),
    [
        ("https://dav.example/", "https://dav.example/x", True),
        ("https://dav.example/", "https://dav.example:443/x", True),
        ("https://dav.example/", "https://one.dav.example/x", True),
        ("https://dav.example:8443/", "https://dav.example:8443/x", True),
        ("http://dav.example/", "https://dav.example/x", True),
        ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com:443/x", True),
        ("https://caldav.icloud.com/", "https://caldav.icloud.com.evil.example/x", False),
        ("https://dav.example/", "http://dav.example/x", False),
        ("https://dav.example/", "http://one.dav.example/x", False),
        ("https://dav.example/", "https://dav.example:8443/x", False),
        ("https://dav.example:8443/", "https://dav.example/x", False),
        ("https://dav.example/", "https://evildav.example/x", False),
        ("https://dav.example/", "https://example/x", False),
        ("https://one.dav.example/", "https://two.dav.example/x", False),
        ("https://dav.example/", "https://dav.example@evil.example/x", False),
        ("https://dav.example/", "https://dav.example\\@evil.example/x", False),
    ],
)
def test_whom_a_password_is_for(server: str, url: str, is_for: bool) -> None:
    assert Login(user="ann", password="x", server=server).is_for(url) is is_for


# ---- which addresses may be asked ------------------------------------------------------------------------------------


async def test_a_private_address_is_not_even_asked(account: Account) -> None:
    strict = CaldavCalendars(STRICT)
    for address in (
        account.front.url,
        account.front.url.replace("http", "https"),
        "https://[::1]/",
        "https://localhost/",
    ):
        with pytest.raises(AddressNotAllowed):
            await strict.connect(address, account.user, PASSWORD)
    with pytest.raises(AddressNotAllowed):
        [page async for page in strict.pages(account.source, None, account.window)]
    for address in ("ftp://dav.example/", "https://ann:x@dav.example/", "file:///etc/passwd", "https://", "no address"):
        with pytest.raises((AddressNotUsable, CalendarUnreachable)):
            await strict.connect(address, account.user, PASSWORD)
    assert account.front.seen == []


async def test_a_name_that_leads_into_a_private_network_is_refused(account: Account, names: type[_Names]) -> None:
    for answer in ("127.0.0.1", "169.254.169.254", "10.0.0.1"):
        names.answers = [answer]
        with pytest.raises(AddressNotAllowed):
            await CaldavCalendars(STRICT).connect(f"https://dav.example:{account.front.port}/", "ann", PASSWORD)
    assert account.front.seen == []


async def test_a_password_is_not_sent_in_the_clear(
    account: Account, names: type[_Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    with pytest.raises(AddressNotUsable, match="https"):
        await CaldavCalendars(STRICT).connect(f"http://dav.example:{account.front.port}/", account.user, PASSWORD)
    assert account.front.seen == []


async def test_all_of_it_has_one_limit_of_time(account: Account) -> None:
    login = Login(user=account.user, password=PASSWORD, server=account.front.url)
    async with open_dav(login, LIMITS, all_s=0.5) as dav:
        account.front.fault = "drip"
        with pytest.raises(CalendarUnreachable, match="does not answer"):
            await dav.propfind(account.front.url, "", depth=0)
        with pytest.raises(CalendarUnreachable, match="too long"):
            await dav.propfind(account.front.url, "", depth=0)
    assert len(account.front.seen) == 1


# ---- over TLS --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def secure(account: Account, tmp_path: Path) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """The front door again, with a certificate for dav.example: its port, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dav.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("dav.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", account.front.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield runner.addresses[0][1], ssl.create_default_context(cafile=str(pem))
    await runner.cleanup()


async def test_the_connection_goes_to_what_was_checked_and_to_whom_it_says(
    account: Account,
    secure: tuple[int, ssl.SSLContext],
    names: type[_Names],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, trusting = secure
    monkeypatch.setattr(fetching, "is_public", lambda address: str(address) == "127.0.0.1")
    names.answers = ["127.0.0.1", "127.0.0.2"]  # a name that changes between the check and the connection
    address = f"https://dav.example:{port}/"
    account.granted = await CaldavCalendars(STRICT, tls=trusting).connect(address, account.user, PASSWORD)
    assert names.asked == 1
    names.asked = 0
    (calendar,) = await CaldavCalendars(STRICT, tls=trusting).calendars(account.credentials)
    assert calendar.key.startswith(address)
    account.front.seen.clear()
    names.answers = ["127.0.0.1"]
    for provider, host in ((CaldavCalendars(STRICT), "dav"), (CaldavCalendars(STRICT, tls=trusting), "other")):
        with pytest.raises(CalendarUnreachable):
            await provider.connect(f"https://{host}.example:{port}/", account.user, PASSWORD)
    assert account.front.seen == []


async def test_a_secure_server_does_not_lead_to_an_insecure_one(
    account: Account,
    secure: tuple[int, ssl.SSLContext],
    names: type[_Names],
    elsewhere: Front,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, trusting = secure
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    provider = CaldavCalendars(STRICT, tls=trusting)
    for target in (f"http://dav.example:{elsewhere.port}/", "http://other.example/"):
        account.front.redirects = {"/": target, "/.well-known/caldav": target}
        with pytest.raises(AddressNotAllowed):
            await provider.connect(f"https://dav.example:{port}/", account.user, PASSWORD)
    assert elsewhere.seen == []
    # a server that does not know that it stands behind a secure door is asked through the door all the same
    account.front.redirects = {"/.well-known/caldav": f"http://dav.example/{account.user}/"}
    granted = await provider.connect(f"https://dav.example:{port}/.well-known/caldav", account.user, PASSWORD)
    assert granted.name == account.user
