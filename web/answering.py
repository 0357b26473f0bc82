"""Takes a yes or a no from a participant's page. A no always counts, a yes only as the page stands now.

A yes counts once the page's code is typed in the meeting's chat, which the bot sees and logs; a no counts at once. A
page that is bound to a seat writes its answers itself: as those of the seat, or of one of the people who share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from limits import RateLimitItemPerMinute

from consent_notice.ahead import same_name
from consent_notice.events import Event
from consent_notice.words import Purpose, Standing
from storage.errors import StorageError
from storage.pages import PageRow
from web.access import ARRIVED_MS, CLOCK, STORE, Access, Route, back_to, post, text_of
from web.accounts import LIMITER
from web.answers import BY_NAME, Sent, acts_of_no, acts_of_yes, entries_for, headcount_for
from web.hosts import story_of
from web.notices import page_words
from web.opened import Opened, done, language_of, notice_of, opened_page
from web.own_erasure import ASKED_FOR, erase_own
from web.participants import Shown, participant_page
from web.places import declare_place
from web.settings import SETTINGS
from web.shared_seats import read_people

_NAME_TRIES = RateLimitItemPerMinute(20, 10)
_NEW_PAGES = RateLimitItemPerMinute(60, 10)
_CHOOSE_ANEW = ("problem_stale", "problem_text")  # what was ticked was ticked for something else

Entries = list[tuple[Event, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the form says."""

    choices: Mapping[Purpose, bool]
    alone: bool | None  # None: not said
    people: int = 1  # 0: a number that can't be


def routes() -> list[Route]:
    return [post("/c/{token}", answer, Access.ANYONE)]


async def answer(request: web.Request) -> web.StreamResponse:
    """Idempotent by the form's nonce; a yes from a page that is out of date is shown again instead."""
    opened = await opened_page(request)
    says_no = await text_of(request, "decision") == "no"
    if opened.is_over and (opened.seat is None or not says_no):
        raise back_to(request.path)  # after the meeting a yes can only be taken back
    if says_no:
        return await say_no(request, opened)
    wish = await _wish_of(request)
    problem = await _problem_of(request, opened, wish)
    if problem == "problem_people":
        await _doubt(request, opened, wish)
    if problem:
        form = await request.post()
        typed = {} if problem in _CHOOSE_ANEW else {name: text for name, text in form.items() if isinstance(text, str)}
        shown = Shown(wants_form=True, problem=problem, typed=typed, status=422)
        return await participant_page(request, opened, shown)
    await keep(request, opened, wish.choices, alone=wish.alone, people=wish.people)
    sent = await sent_form(request, opened)
    entries = await declare_place(request, opened, sent)
    if opened.seat is not None:
        entries += choice_entries(opened, wish.choices, sent)
    await log(request, opened, entries)
    return await done(request, opened, noted=False)


async def say_no(request: web.Request, opened: Opened, also: Sequence[tuple[Event, str]] = ()) -> web.StreamResponse:
    """Never refused as out of date: a no always counts. Under a typed name it counts for that seat at once.

    `also`: entries that are to be in the log before anything else can go wrong.
    """
    purposes, was_bound = request.app[SETTINGS].purposes, opened.seat is not None
    if opened.seat is not None or also:
        await log(request, opened, [*also, *await no_entries(request, opened, purposes)])
    alone, people = (opened.row.alone_on_device, opened.row.people) if opened.row is not None else (None, 1)
    await keep(request, opened, dict.fromkeys(purposes, False), alone=alone, people=people)
    entries = await declare_place(request, opened, await sent_form(request, opened))
    if opened.seat is not None and not was_bound:
        entries += await no_entries(request, opened, purposes)
    await log(request, opened, entries)
    name = await text_of(request, "name", 200)
    if opened.seat is not None or not name:
        return await done(request, opened)
    if not await request.app[LIMITER].hit(_NAME_TRIES, "name", opened.visit.id, request.remote or "?"):
        return await participant_page(request, opened, Shown(problem="problem_tries", status=429))
    named = [seat for seat in opened.story.people if seat.is_present and same_name(name, seat.name)]
    if not named:
        return await participant_page(request, opened, Shown(problem="problem_name", status=422))
    # Two people of one name: doubt is a no, and each can say yes for themselves.
    sent = await sent_form(request, opened)
    voices = [seat.voice(sent.page if seat.people > 1 else "") for seat in named]
    await log(
        request,
        opened,
        [entry for voice in voices for entry in entries_for(sent, voice, acts_of_no(voice, purposes), BY_NAME)],
    )
    return await done(request, opened, noted=True)


async def no_entries(request: web.Request, opened: Opened, purposes: Sequence[Purpose]) -> Entries:
    """Of a bound page; none of one that is not."""
    if opened.voice is None or not purposes:
        return []
    sent = await sent_form(request, opened)
    return entries_for(sent, opened.voice, acts_of_no(opened.voice, purposes), opened.known)


async def sent_form(request: web.Request, opened: Opened) -> Sent:
    """The page is opened with its first answer: a link preview opens nothing."""
    row = opened.row or await _open_page(request, opened)
    return Sent(
        visit=opened.visit.id,
        epoch=opened.visit.epoch,
        page=row.reference,
        code=row.code,
        nonce=await text_of(request, "nonce", 64),
        notice=await notice_of(request, opened),
        boot_id=request.app[CLOCK].boot_id,
        arrived_ms=request[ARRIVED_MS],
        legal_basis=request.app[SETTINGS].information.legal_basis.value,
    )


async def log(request: web.Request, opened: Opened, entries: Entries) -> None:
    """Durable on return, all of it or nothing; an answer never names a text that is not kept."""
    if not entries:
        return
    store, notice = request.app[STORE], await notice_of(request, opened)
    try:
        await store.notices.keep(notice)
        await store.log.append_all(entries)
    except StorageError:
        raise web.HTTPServiceUnavailable(text=page_words(notice.language)["problem_store"]) from None


async def log_and_erase(request: web.Request, opened: Opened, entries: Entries, *, authority: str = ASKED_FOR) -> None:
    """As `log`, together with the wish that what was kept of this page's seat be erased."""
    assert opened.seat is not None
    notice, sent = await notice_of(request, opened), await sent_form(request, opened)
    try:
        await request.app[STORE].notices.keep(notice)
        await erase_own(
            request,
            opened.visit.id,
            opened.seat.seat,
            sent.page,
            sent.nonce,
            entries=entries,
            authority=authority,
        )
    except StorageError:
        raise web.HTTPServiceUnavailable(text=page_words(notice.language)["problem_store"]) from None


async def keep(
    request: web.Request, opened: Opened, choices: Mapping[Purpose, bool], *, alone: bool | None, people: int
) -> None:
    """What was ticked, and under which text, which goes first: whoever binds the page later names it.

    If the code was typed meanwhile, an older choice was bound: the page is then the seat's, and what is logged from
    here on is said now, after it.
    """
    was_bound = opened.seat is not None
    row = opened.row or await _open_page(request, opened)
    store, notice = request.app[STORE], await notice_of(request, opened)
    try:
        await store.notices.keep(notice)
        opened.row = await store.pages.choose(
            row.page_id, choices, alone, people=people, notice_sha256=notice.text_sha256
        )
    except StorageError:
        raise web.HTTPServiceUnavailable(text=page_words(notice.language)["problem_store"]) from None
    if opened.row.seat is not None and not was_bound:
        opened.story = await story_of(store, opened.visit)
        request[ARRIVED_MS] = request.app[CLOCK].boot_ms()


async def _doubt(request: web.Request, opened: Opened, wish: Wish) -> None:
    """Others speak there, and nobody knows how many: what was said for one person alone counts no more."""
    if opened.row is None:
        return
    was_bound = opened.seat is not None
    await keep(request, opened, wish.choices, alone=False, people=1)
    # One that was bound just now may be on its way to the log.
    if opened.voice is not None and (not was_bound or opened.voice.standing(Purpose.RECORDING) is Standing.GIVEN):
        await log(request, opened, await no_entries(request, opened, request.app[SETTINGS].purposes))
        opened.story = await story_of(request.app[STORE], opened.visit)


async def _wish_of(request: web.Request) -> Wish:
    form, alone = await request.post(), await text_of(request, "alone")
    choices = {purpose: form.get(f"purpose_{purpose.value}") == "on" for purpose in request.app[SETTINGS].purposes}
    if alone == "no":
        return Wish(choices=choices, alone=False, people=read_people(await text_of(request, "people", 10)))
    return Wish(choices=choices, alone=True if alone == "yes" else None)


async def _problem_of(request: web.Request, opened: Opened, wish: Wish) -> str:
    if await text_of(request, "seen", 40) != opened.seen:
        return "problem_stale"
    if await text_of(request, "notice", 64) != (await notice_of(request, opened)).text_sha256:
        return "problem_text"
    if not any(wish.choices.values()):
        return "problem_nothing_ticked"
    if not wish.choices.get(Purpose.RECORDING):
        return "problem_needs_recording"
    if wish.alone is None:
        return "problem_alone"
    return "" if wish.people else "problem_people"


def choice_entries(opened: Opened, choices: Mapping[Purpose, bool], sent: Sent) -> Entries:
    """What was ticked on a bound page; and how many share its seat, where the log does not know it yet."""
    assert opened.seat is not None
    assert opened.row is not None
    assert opened.voice is not None
    entries: Entries = []
    if opened.row.people > opened.seat.people:
        entries.append(headcount_for(sent, opened.seat.seat, opened.row.people))
    acts = acts_of_yes(opened.voice, choices, opened.known.level)
    return [*entries, *entries_for(sent, opened.voice, acts, opened.known)]


async def _open_page(request: web.Request, opened: Opened) -> PageRow:
    if not await request.app[LIMITER].hit(_NEW_PAGES, "pages", opened.visit.id, request.remote or "?"):
        raise web.HTTPTooManyRequests(text=page_words(await language_of(request, opened))["problem_tries"])
    opened.row = await request.app[STORE].pages.open(opened.visit.id)
    return opened.row
