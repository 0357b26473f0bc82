"""The only builder: makes each role's parts from the settings and runs them until cancelled.

Owns the clock, the ids and the randomness of every process; nothing below makes its own. Each role imports what it
needs and no more: a bot that was killed is back the sooner for it.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from config.clock import SystemClock, new_id
from config.jurisdictions import jurisdictions
from config.rooms import known_hosts, reach, room_maker
from config.settings import Settings, information_of, rule_policy_of
from config.wording import wordings
from consent_notice.notice import NoticeFacts, read_wording
from consent_notice.publication import Text, text_of
from consent_notice.words import Purpose
from storage.errors import StorageError
from storage.store import Store

if TYPE_CHECKING:
    from aiohttp import web

    from bot.runner import BotPolicy
    from calendar_sync.planning import PlanningPolicy
    from web.settings import MailServer, WebSettings

FIRST_ADMIN_EMAIL = "admin@localhost"

Role = Callable[[Settings], Awaitable[None]]


async def run_role(name: str, settings: Settings) -> None:
    """Until cancelled. Raises KeyError for a role that there is not."""
    await ROLES[name](settings)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    store = await asyncio.to_thread(Store.open, settings.data_dir, SystemClock(), new_id)
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close)


def web_settings(settings: Settings) -> WebSettings:
    from web.settings import WebSettings

    return WebSettings(
        data_dir=settings.data_dir,
        public_url=settings.public_url,
        practice_url=settings.practice_url,
        jitsi_hosts=frozenset(settings.jitsi_hosts),
        janus_rooms=settings.janus_rooms,
        reach=reach(settings),
        bot_name=settings.bot_name,
        organisation=settings.organisation,
        organisation_contact=settings.organisation_contact,
        retention_days=settings.retention_days,
        default_language=settings.default_language,
        default_rule=settings.default_rule,
        each_voice_allowed=settings.each_voice_allowed,
        presenters_allowed=settings.presenters_allowed,
        attestation_allowed=settings.attestation_allowed,
        offer_after_s=settings.offer_after_s,
        one_sided_accepted=settings.one_sided_accepted,
        purposes=asked_purposes(settings),
        wording=wordings(),
        version=version("onrecord"),
        jurisdictions=jurisdictions(),
        host_location=settings.host_location,
        bot_location=settings.bot_location,
        late_roster_accepted=settings.late_roster_accepted,
        information=information_of(settings),
        calendar_unused_days=settings.calendar_unused_days,
        mail=mail_server(settings),
    )


def mail_server(settings: Settings) -> MailServer | None:
    """None: nothing can be sent."""
    from web.settings import MailServer

    mail = settings.mail
    if not mail.host:
        return None
    return MailServer(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        sender=mail.sender,
        user=mail.user,
        password=mail.password,
    )


def text_in_use(settings: Settings) -> Text:
    """The notice of this installation, as far as it is the same for every meeting."""
    facts = NoticeFacts(
        host="",
        organisation=settings.organisation,
        contact=settings.organisation_contact,
        purposes=asked_purposes(settings),
        rule=settings.default_rule,
        page_link="",
        retention_days=settings.retention_days,
        bot_name=settings.bot_name,
        speakable=True,
        information=information_of(settings),
    )
    return text_of({language: read_wording(table) for language, table in wordings().items()}, facts)


def asked_purposes(settings: Settings) -> tuple[Purpose, ...]:
    """No transcript is asked for that nobody makes."""
    left_out = () if settings.transcription.enabled else (Purpose.TRANSCRIPTION,)
    return tuple(purpose for purpose in settings.purposes if purpose not in left_out)


async def first_admin(settings: Settings) -> tuple[str, str] | None:
    """E-mail and password of the admin that it made, to be shown once; None where there is one already."""
    from web.accounts import ensure_first_admin

    async with open_store(settings) as store:
        password = await ensure_first_admin(store, new_id, email=FIRST_ADMIN_EMAIL)
    return None if password is None else (FIRST_ADMIN_EMAIL, password)


async def status(settings: Settings, *, shows_people: bool) -> dict[str, Any]:
    """Showing who answered what is a look at the evidence, and is noted before it is handed out."""
    from config.recordings import recordings
    from web.reads import note_reads_from_command_line

    async with open_store(settings) as store:
        found = await recordings(store)
        if shows_people:
            await note_reads_from_command_line(store, [row["visit"] for row in found], SystemClock().now())
        return {"recordings": found}


async def _web(settings: Settings) -> None:
    from config.calendar_services import calendar_services
    from web.app import create_app

    async with open_store(settings) as store:
        publication = await store.publications.in_use(text_in_use(settings))
        chosen = replace(web_settings(settings), publication=publication.number)
        services = calendar_services(settings)
        app = create_app(store, chosen, SystemClock(), new_id, store.session_key, services=services)
        await _serve(app, settings.host, settings.web_port)


async def _practice(settings: Settings) -> None:
    from web.practice.app import create_practice_app

    app = create_practice_app(clock=SystemClock(), new_id=new_id, host=settings.practice_host)
    await _serve(app, settings.practice_host, settings.practice_port)


def bot_policy(settings: Settings, *, publication: int) -> BotPolicy:
    from bot.runner import BotPolicy
    from consent_notice.settlement import PlacePolicy

    return BotPolicy(
        bot_name=settings.bot_name,
        organisation=settings.organisation,
        contact=settings.organisation_contact,
        retention_days=settings.retention_days,
        public_url=settings.public_url,
        offer_after_ms=settings.offer_after_s * 1000,
        grace_ms=settings.grace_s * 1000,
        transcribes=Purpose.TRANSCRIPTION in asked_purposes(settings),
        default_language=settings.default_language,
        places=PlacePolicy(
            jurisdictions=jurisdictions(),
            rules=rule_policy_of(settings),
            host_location=settings.host_location,
            bot_location=settings.bot_location,
            education_accepted=settings.education_accepted,
        ),
        information=information_of(settings),
        publication=publication,
        known_bots=settings.known_bots,
        attestation_allowed=settings.attestation_allowed,
    )


async def _bots(settings: Settings) -> None:
    from bot.dispatch import Dispatcher
    from bot.runner import BotParts
    from bot.voice import PackagedVoice
    from calendar_sync.orders import name_rooms
    from consent_notice.phrases import read_phrases

    clock = SystemClock()
    voice = await asyncio.to_thread(PackagedVoice, settings.transcription.voice_path)

    async with open_store(settings) as store:
        await asyncio.to_thread(store.tracks.recover)
        with suppress(StorageError):  # a row that can't be read is told by the dispatcher, again and again
            await name_rooms(store.meetings, known_hosts(settings))
        publication = await store.publications.in_use(text_in_use(settings))
        parts = BotParts(
            store=store,
            clock=clock,
            policy=bot_policy(settings, publication=publication.number),
            wordings={name: read_wording(table) for name, table in wordings().items()},
            phrases=read_phrases(wordings().values()),
            voice=voice,
            room_for=room_maker(settings, clock),
            owner=f"{clock.boot_id}:{os.getpid()}:{new_id()}",
        )
        await Dispatcher(parts, join_early_s=settings.join_early_s).run()


async def _transcribe(settings: Settings) -> None:
    from bot.aftercare import Aftercare
    from bot.transcribe import WhisperTranscriber

    if not settings.transcription.enabled:
        await asyncio.Event().wait()
    chosen = settings.transcription
    async with open_store(settings) as store:
        transcriber = WhisperTranscriber(chosen.model, chosen.model_path)
        await Aftercare(store, transcriber, SystemClock()).run()


def planning_policy(settings: Settings) -> PlanningPolicy:
    from calendar_sync.planning import PlanningPolicy

    return PlanningPolicy(known_hosts=known_hosts(settings), reach=reach(settings))


async def _calendar(settings: Settings) -> None:
    from calendar_sync.scheduler import CalendarScheduler, Pace
    from calendar_sync.sync import CalendarSync
    from calendar_sync.watching import WatchKeeper
    from config.calendar_services import calendar_providers, calendar_services, new_secret
    from config.checkpoints import copier
    from storage.retention import Retention
    from web.expiry import Expiry

    clock = SystemClock()
    push = calendar_services(settings).push
    async with open_store(settings) as store, asyncio.TaskGroup() as tasks:
        tasks.create_task(Retention(store, clock, settings.retention_days).run())
        tasks.create_task(copier(settings, store.log, clock).run())  # here, where no answer waits for it
        gc.freeze()  # what is here for good is not looked through again, 50 ms of the loop each time
        sync = CalendarSync(store, calendar_providers(settings), clock, planning_policy(settings))
        if settings.calendar_notices:
            keeper = WatchKeeper(store, sync, push, clock, public_url=settings.public_url, new_secret=new_secret)
            tasks.create_task(keeper.run())
        expiry = Expiry(
            store,
            clock,
            new_id,
            unused_days=settings.calendar_unused_days,
            public_url=settings.public_url,
            mail=mail_server(settings),
        )
        tasks.create_task(expiry.run())
        await CalendarScheduler(store, sync, clock, Pace(interval_s=settings.calendar_interval_s)).run()


async def _serve(app: web.Application, host: str, port: int) -> None:
    """Until cancelled, then lets open requests end."""
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


ROLES: Mapping[str, Role] = MappingProxyType(
    {"web": _web, "practice": _practice, "bots": _bots, "transcribe": _transcribe, "calendar": _calendar}
)
