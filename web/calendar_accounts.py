"""Connected accounts: what is kept of one, its calendars as the service lists them, and the way out.

Every calendar begins switched off. Disconnecting ends the notices of change, gives the tokens back where the service
takes them, and deletes here whatever it answered; the host is told honestly what it did not confirm.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from calendar_sync.accounts import AccessRevoked, AccountProvider, Granted
from calendar_sync.errors import CalendarError
from calendar_sync.sync import credentials_of
from calendar_sync.watching import as_watch
from storage.accounts import AccountRow
from storage.errors import NotStored
from web.access import STORE, Access, Route, back_to, post, tell, user_of
from web.services import SERVICES, WORDS
from web.settings import SETTINGS

GOODBYE_LIMIT_S = 15.0  # a service that does not answer keeps nobody from leaving it
MOST_CALENDARS = 250


def routes() -> list[Route]:
    return [
        post("/accounts/{account}/calendars", list_again, Access.SIGNED_IN),
        post("/accounts/{account}/disconnect", disconnect, Access.SIGNED_IN),
    ]


async def own_account(request: web.Request, account_id: str) -> AccountRow:
    """Another host's account does not exist for this one."""
    account = await request.app[STORE].accounts.get(account_id)
    if account is None or account.host_id != user_of(request).id:
        raise web.HTTPNotFound
    return account


async def keep_account(request: web.Request, provider: str, service: AccountProvider, granted: Granted) -> str:
    """Keeps what was granted and lists its calendars; what went wrong with the listing in words, or nothing."""
    store = request.app[STORE]
    account = await store.accounts.connect(
        host_id=user_of(request).id,
        provider=provider,
        name=granted.name,
        tenant=granted.tenant,
        own_addresses=granted.own_addresses,
        credentials=granted.credentials,
        is_wider=granted.is_wider,
    )
    problem = await _list_calendars(request, service, account)
    for row in await store.calendars.list(account.host_id):
        if row.account_id == account.id and row.enabled:
            await store.calendars.note_change(row.id)  # read at once with the new access
    return problem


async def list_again(request: web.Request) -> web.StreamResponse:
    account = await own_account(request, request.match_info["account"])
    service = request.app[SERVICES].of(account.provider)
    if service is None:
        problem = f"{WORDS[account.provider].label} is not set up here any more. Ask your admin."
    else:
        problem = await _list_calendars(request, service, account)
    await tell(
        request, problem or "The list of calendars is up to date. New ones are off.", "bad" if problem else "good"
    )
    raise back_to("/calendars")


async def disconnect(request: web.Request) -> web.StreamResponse:
    store = request.app[STORE]
    account = await own_account(request, request.match_info["account"])
    words = WORDS[account.provider]
    service = request.app[SERVICES].of(account.provider)
    try:
        async with asyncio.timeout(GOODBYE_LIMIT_S):
            is_confirmed = service is not None and await _say_goodbye(request, service, account)
    except TimeoutError:
        is_confirmed = False
    await store.accounts.disconnect(account.id)  # whatever the service said
    kept = "but for the names of kept recordings"
    said = f"{words.short} is disconnected. Our access and everything that was read are deleted, {kept}."
    if is_confirmed:
        await tell(request, f"{said} {words.short} confirmed that the access is void.")
    else:
        await tell(request, f"{said} {words.revoking}", "warn")
    raise back_to("/calendars")


async def _say_goodbye(request: web.Request, service: AccountProvider, account: AccountRow) -> bool:
    """Whether the service confirmed that the tokens are worth nothing."""
    store = request.app[STORE]
    credentials = credentials_of(account, store)
    push = request.app[SERVICES].push.get(account.provider)
    if push is not None and not account.problem:
        theirs = {
            row.id: row.address for row in await store.calendars.list(account.host_id) if row.account_id == account.id
        }
        for row in await store.watches.list():
            if row.calendar_id in theirs:
                try:
                    await push.unwatch(credentials, as_watch(row, theirs[row.calendar_id]))
                except CalendarError:
                    continue  # it ends by itself, and without its row no notice of it counts
    try:
        return await service.revoke(credentials)
    except CalendarError:
        return False


async def _list_calendars(request: web.Request, service: AccountProvider, account: AccountRow) -> str:
    """Adds what is new, switched off; what went wrong in words, or nothing. What is gone there stays until it is used
    no more: its own reading says that it is gone.
    """
    store, settings = request.app[STORE], request.app[SETTINGS]
    try:
        remote = await service.calendars(credentials_of(account, store))
    except AccessRevoked as error:
        await store.accounts.mark_broken(account.id, account.generation, str(error))
        return str(error)
    except CalendarError as error:
        return str(error)
    known = {row.address: row for row in await store.calendars.list(account.host_id) if row.account_id == account.id}
    told = sorted(remote, key=lambda one: (not one.is_primary, one.is_others, one.title.casefold()))[:MOST_CALENDARS]
    try:
        for one in told:
            row = known.get(one.key)
            title = one.title[:80] or "Calendar"
            if row is not None:
                await store.calendars.describe(
                    row.id,
                    title=title,
                    time_zone=one.time_zone,
                    is_others=one.is_others,
                    needs_wider=one.needs_wider and not account.is_wider,
                )
                continue
            await store.calendars.add(
                host_id=account.host_id,
                provider=account.provider,
                title=title,
                address=one.key,
                rule=settings.default_rule,
                language=settings.default_language,
                account_id=account.id,
                time_zone=one.time_zone,
                is_others=one.is_others,
                needs_wider=one.needs_wider and not account.is_wider,
            )
        gone = known.keys() - {one.key for one in remote}
        for key in gone:
            if not known[key].enabled:
                await store.calendars.delete(known[key].id)
    except NotStored:
        return ""  # disconnected meanwhile in another window
    return ""
