"""From what a host types to the account and its calendars, at a real server; DNS answers come from one of our own."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp.abc import ResolveResult

from calendar_sync import caldav_discovery
from calendar_sync.accounts import AccessRevoked, AccountProvider, NoSignInPage, PasswordProvider, PasswordRefused
from calendar_sync.caldav import CaldavCalendars
from calendar_sync.caldav_discovery import _candidates
from calendar_sync.dav import Login, RequestRefused
from calendar_sync.errors import (
    AddressNotUsable,
    AnswersWebPage,
    CalendarCutOff,
    CalendarError,
    CalendarNotFound,
    CalendarServerFailed,
    CalendarTooLarge,
    CalendarUnreachable,
    NotACalendar,
)
from calendar_sync.fetching import FetchLimits
from calendar_sync.sync import CalendarProvider
from tests.simulators.caldav_reading import LIMITS, PASSWORD, Account, account_at
from tests.simulators.calendar_files import calendar_of, meeting
from tests.simulators.ics_reading import NOW
from tests.simulators.name_server import NameServer, name_server
from tests.simulators.radicale import Radicale, radicale


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
async def dns() -> AsyncIterator[NameServer]:
    async with name_server() as running:
        yield running


@pytest.mark.parametrize("path", ["", ".well-known/caldav", "{user}/", "{user}", "{user}/work/", "{user}/work"])
async def test_any_address_of_the_account_leads_to_its_calendars(account: Account, path: str) -> None:
    account.front.redirects["/.well-known/caldav"] = "/"
    address = account.front.url + path.format(user=account.user)
    account.granted = await account.provider.connect(address, account.user, PASSWORD)
    (calendar,) = await account.provider.calendars(account.credentials)
    assert calendar.key == f"{account.front.url}{account.user}/work/"
    assert (calendar.title, calendar.is_others, calendar.is_primary, calendar.needs_wider) == (
        "Work", False, False, False
    )  # fmt: skip


async def test_a_server_that_keeps_its_calendars_below_is_found_by_the_well_known_path(account: Account) -> None:
    """As Nextcloud does: a page to sign in at the root, /remote.php/dav behind the well-known path."""
    account.front.redirects = {"/.well-known/caldav": f"/{account.user}/"}
    account.front.instead = lambda seen: "<!DOCTYPE html><html></html>" if seen.path == "/" else None
    granted = await account.provider.connect(account.front.url, account.user, PASSWORD)
    assert [seen.path for seen in account.front.seen] == ["/", "/.well-known/caldav", f"/{account.user}/"]
    assert granted.tenant in account.front.url, "one user name at two servers is two accounts"
    assert granted.tenant


class _Loopback(aiohttp.abc.AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        flags = socket.AI_NUMERICHOST
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=flags)]

    async def close(self) -> None:
        return


@pytest.mark.parametrize("typed", ["ann@example.test", "example.test", ""])
async def test_a_mail_address_is_enough_where_its_domain_says_so(
    account: Account, dns: NameServer, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(aiohttp, "ThreadedResolver", _Loopback)
    account.server.set_password("ann@example.test", PASSWORD)
    dns.records = {
        ("_caldav._tcp.example.test", "SRV"): [f"10 1 {account.front.port} dav.example.test."],
        ("_caldav._tcp.example.test", "TXT"): ['"path=/"'],
    }
    provider = CaldavCalendars(LIMITS, resolver=dns.resolver())
    granted = await provider.connect(typed, "ann@example.test", PASSWORD)
    assert granted.own_addresses == {"ann@example.test"}
    assert {seen.headers["Host"] for seen in account.front.seen} == {f"dav.example.test:{account.front.port}"}


async def _looked_at(address: str, dns: NameServer, limits: FetchLimits, user: str = "ann") -> list[str]:
    return await _candidates(address, user, limits, dns.resolver())


async def test_only_hosts_of_the_domain_itself_are_believed(dns: NameServer) -> None:
    dns.records = {
        ("_caldavs._tcp.example.test", "SRV"): [
            "10 1 443 dav.example.test.", "5 1 8443 evil.test.", "7 1 443 example.test.evil.test.",
            "20 1 443 caldav.fastmail.com.",
        ],
        ("_caldavs._tcp.example.test", "TXT"): ['"path=//evil.test/"'],
        ("_caldav._tcp.example.test", "SRV"): ["10 1 80 plain.example.test."],
    }  # fmt: skip
    looked_at = await _looked_at("ann@example.test", dns, FetchLimits())
    hosts = {each.split("/")[2].split(":")[0] for each in looked_at}
    assert hosts == {"dav.example.test", "caldav.fastmail.com", "example.test"}
    assert looked_at[0].startswith("https://dav.example.test:443/")
    assert all(each.startswith("https://") for each in looked_at)


async def test_services_that_many_use_are_known_without_asking(dns: NameServer) -> None:
    assert await _looked_at("ann@icloud.com", dns, LIMITS) == ["https://caldav.icloud.com/"]
    assert await _looked_at("", dns, LIMITS, user="ann@fastmail.com") == ["https://caldav.fastmail.com/dav/"]
    assert dns.asked == []
    assert await _looked_at("cloud.example:8443", dns, LIMITS) == [
        "https://cloud.example:8443", "https://cloud.example:8443/.well-known/caldav"
    ]  # fmt: skip
    assert await _looked_at("cloud.example/remote.php/dav", dns, LIMITS) == [
        "https://cloud.example/remote.php/dav", "https://cloud.example/.well-known/caldav"
    ]  # fmt: skip


async def test_a_domain_without_records_is_looked_at_itself(dns: NameServer) -> None:
    assert await _looked_at("example.test", dns, FetchLimits()) == [
        "https://example.test/.well-known/caldav", "https://example.test/"
    ]  # fmt: skip
    assert ("_caldav._tcp.example.test", "SRV") not in dns.asked, "without TLS only where private addresses are allowed"


# ---- what is listed ------------------------------------------------------------------------------------------------


async def test_each_calendar_is_listed_with_what_tells_it_apart(account: Account) -> None:
    """Names of RFC 4791, RFC 6638, RFC 7809, of caldav-sharing (CS:shared) and of Nextcloud (oc:owner-principal)."""
    home, others = f"/{account.user}/", "/somebody/"

    def one(name: str, kind: str, *properties: str) -> str:
        return (
            f"<D:response><D:href>{home}{name}/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/>{kind}"
            f"</D:resourcetype>{''.join(properties)}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
            "<D:propstat><D:prop><D:owner/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status></D:propstat>"
            "</D:response>"
        )

    def of(owner: str, name: str = "D:owner") -> str:
        return f"<{name}><D:href>{owner}</D:href></{name}>"

    calendar, tasks = "<C:calendar/>", "<C:comp name='VTODO'/>"
    components = "<C:supported-calendar-component-set>{}</C:supported-calendar-component-set>"
    zone = "<C:calendar-timezone>BEGIN:VTIMEZONE\nTZID:/x.example/Europe/Paris\nEND:VTIMEZONE</C:calendar-timezone>"
    zone_id = "<C:calendar-timezone-id>Asia/Tokyo</C:calendar-timezone-id>"
    listing = (
        '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
        ' xmlns:oc="http://owncloud.org/ns">'
        + one("", "")
        + one("one", calendar, "<D:displayname>Zeta</D:displayname>", of(home), zone)
        + one("two", calendar, "<D:displayname>Alpha</D:displayname>", of(home[:-1]))
        + one("three%20x", calendar + "<CS:shared/>", "<D:displayname>Team</D:displayname>")
        + one(
            "four",
            calendar,
            of(home),
            of(others, "oc:owner-principal"),
            zone_id,
        )
        + one("strange", calendar, "<D:displayname>Xi</D:displayname>", of("http://[other/"), of(home))
        + one("five", calendar, components.format(tasks))
        + one("six", calendar, components.format(tasks + "<C:comp name='VEVENT'/>"), of(others))
        + one("seven", "<CS:subscribed/>" + calendar)
        + one("inbox", "<C:schedule-inbox/>", of(f"{home}one/", "C:schedule-default-calendar-URL"))
        + one("outbox", "<C:schedule-outbox/>")
        + "</D:multistatus>"
    )
    account.front.instead = lambda seen: listing if seen.headers.get("Depth") == "1" else None
    found = await account.provider.calendars(account.credentials)
    assert [(each.title, each.time_zone, each.is_primary, each.is_others) for each in found] == [
        ("Zeta", "Europe/Paris", True, False),
        ("Alpha", "UTC", False, False),
        ("Xi", "UTC", False, False),
        ("Team", "UTC", False, True),
        ("four", "Asia/Tokyo", False, True),
        ("six", "UTC", False, True),
    ]
    assert found[3].key == f"{account.front.url}{account.user}/three%20x/"


async def test_a_home_that_is_closed_does_not_hide_the_others(account: Account) -> None:
    account.front.edit = lambda seen, text: text.replace(
        "calendar-home-set><href>", "calendar-home-set><href>/closed/</href><href>", 1
    )
    (calendar,) = await account.provider.calendars(account.credentials)
    assert calendar.title == "Work"
    account.front.fault, account.front.only_for = "403", "displayname"
    with pytest.raises(RequestRefused):
        await account.provider.calendars(account.credentials)


async def test_a_calendar_is_not_searched_to_be_listed(account: Account) -> None:
    account.granted = await account.provider.connect(
        account.front.url + f"{account.user}/work/", account.user, PASSWORD
    )
    account.front.seen.clear()
    assert len(await account.provider.calendars(account.credentials)) == 1
    depths = {(seen.path, seen.headers["Depth"]) for seen in account.front.seen}
    assert depths == {(f"/{account.user}/work/", "0"), (f"/{account.user}/", "0"), (f"/{account.user}/", "1")}


async def test_the_hosts_own_addresses_are_the_servers_or_the_user_name(server: Radicale) -> None:
    async with account_at(server, user="ann@example.org") as account:
        assert account.granted.own_addresses == {"ann@example.org"}
        account.front.edit = lambda seen, text: text.replace(
            "</prop>",
            '<C:calendar-user-address-set xmlns:C="urn:ietf:params:xml:ns:caldav"><href>mailto:Ann@Work.example</href>'
            "<href>mailto:ann.b@work.example</href><href>/ann@example.org/</href></C:calendar-user-address-set></prop>",
            1,
        )
        granted = await account.provider.connect(account.front.url, account.user, PASSWORD)
        assert granted.own_addresses == {"ann@work.example", "ann.b@work.example"}
        people = ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann.b@work.example",)
        account.front.edit, account.granted = None, granted
        await account.put("a", calendar_of(meeting("a", NOW, *people)))
        await account.read()
        (event,) = account.events.values()
        assert event.own_answer == "declined"


# ---- what goes wrong -----------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_said_once_and_says_what_to_do(account: Account) -> None:
    for user, password in ((account.user, "wrong"), ("nobody", PASSWORD)):
        account.front.seen.clear()
        with pytest.raises(PasswordRefused, match="app password"):
            await account.provider.connect(account.front.url, user, password)
        assert len(account.front.seen) == 1, "no second try: servers lock accounts"
    for user in ("a:b", " "):
        with pytest.raises(PasswordRefused, match="user name"):
            await account.provider.connect(account.front.url, user, PASSWORD)


async def test_a_password_that_was_changed_ends_the_access(account: Account) -> None:
    await account.read()
    account.server.set_password(account.user, "another")
    with pytest.raises(AccessRevoked):
        await account.read()
    with pytest.raises(AccessRevoked):
        await account.provider.calendars(account.credentials)
    account.granted = await account.provider.connect(account.front.url, account.user, "another")
    assert (await account.read()).events == ()


async def test_there_is_no_page_to_sign_in_at(account: Account) -> None:
    with pytest.raises(NoSignInPage):
        await account.provider.begin("https://here.example/back", wider=False)
    with pytest.raises(NoSignInPage):
        await account.provider.finish("", {}, "https://here.example/back")


@pytest.mark.parametrize(
    ("fault", "connecting", "reading"),
    [
        ("web page", AnswersWebPage, AnswersWebPage),
        ("nonsense", NotACalendar, NotACalendar),
        ("cut off", CalendarCutOff, CalendarCutOff),
        ("entities", NotACalendar, NotACalendar),
        ("outside", NotACalendar, NotACalendar),
        ("circles", CalendarServerFailed, CalendarServerFailed),
        ("hangs up", CalendarUnreachable, CalendarUnreachable),
        ("drip", CalendarUnreachable, CalendarUnreachable),
        ("endless", CalendarTooLarge, CalendarTooLarge),
        ("429", CalendarServerFailed, CalendarServerFailed),
        ("500", CalendarServerFailed, CalendarServerFailed),
        ("503", CalendarServerFailed, CalendarServerFailed),
        ("401", PasswordRefused, AccessRevoked),
        ("403", NotACalendar, CalendarServerFailed),
        ("404", NotACalendar, CalendarNotFound),
        ("405", NotACalendar, CalendarServerFailed),
        ("410", NotACalendar, CalendarNotFound),
    ],
)
async def test_each_fault_has_its_message(
    account: Account, fault: str, connecting: type[CalendarError], reading: type[CalendarError]
) -> None:
    account.provider = CaldavCalendars(FetchLimits(allow_private_addresses=True, total_s=0.7, max_bytes=500_000))
    account.front.fault = fault
    for expected, step in (
        (connecting, lambda: account.provider.connect(account.front.url, account.user, PASSWORD)),
        (reading, account.read),
    ):
        with pytest.raises(expected) as caught:
            await step()
        told = str(caught.value)
        for secret in ("127.0.0.1", account.user, PASSWORD, "/work"):
            assert secret not in told
        if fault in ("429", "500", "503"):
            assert caught.value.retry_after_s == 120
    with pytest.raises(reading):
        await account.provider.calendars(account.credentials)


def test_it_is_what_the_rest_of_the_project_expects() -> None:
    """Held by the type checker."""
    provider = CaldavCalendars(LIMITS)
    _accounts: AccountProvider = provider
    _passwords: PasswordProvider = provider
    _calendars: CalendarProvider = provider
    assert PASSWORD not in repr(Login(user="ann", password=PASSWORD, server="https://dav.example/"))


async def test_looking_for_an_account_ends_in_time(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav_discovery, "DISCOVERY_LIMIT_S", 0.5)
    account.front.fault = "drip"
    for typed in (account.front.url, "nowhere.test"):
        with pytest.raises(CalendarUnreachable):
            await account.provider.connect(typed, account.user, PASSWORD)
    assert len(account.front.seen) == 1, "all places to look at share the time"


async def test_nobody_listens() -> None:
    with pytest.raises(CalendarUnreachable):
        await CaldavCalendars(LIMITS).connect("http://127.0.0.1:9/", "ann", PASSWORD)


@pytest.mark.parametrize("typed", ["https://[half/", "a" * 64 + ".test", "https://" + "a" * 64 + ".test/"])
async def test_what_is_no_address_is_told_so(typed: str) -> None:
    with pytest.raises(AddressNotUsable):
        await CaldavCalendars(LIMITS).connect(typed, "ann", PASSWORD)
