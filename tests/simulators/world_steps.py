"""What can happen in a simulated meeting, one function a step; each draws what it needs from the dice of its own step.

A walk is circumstances and a list of steps; since no step knows of another, any of them can be left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.ports import Hears
from consent_notice.answers import ASK_WINDOW_MS
from consent_notice.events import HostAct
from consent_notice.words import SeatKind
from tests.simulators.world_faults import FAULTS
from tests.simulators.world_room import FRAME_MS, Message
from tests.simulators.world_truth import HOST_NAME, Fact, Person, Sitting, Word

if TYPE_CHECKING:
    from tests.simulators.world import World

NAMES = {"ada": HOST_NAME, "ben": "Ben", "cia": "Cia", "dan": "Ben", "tel": "+49 30 1", "hall": "Hall"}
YES = ("record yes", "Record yes.", "record yes please", "sound only")
BARE_YES = ("yes", "I agree", "Yes please!")
NO = ("record no", "stop", "please don't record me", "STOP", "i withdraw my consent")
NOTHING = (
    "zq hello there",
    "record yes zq",
    "> record yes\nzq that is what she wrote",
    "yes, zq, if Ben leaves",
    "zq I meant Tuesday",
    "why zq?",
)
Step = Callable[["World"], None]


def _anybody(world: World) -> Sitting | None:
    here = [sitting for sitting in world.truth.present() if not sitting.is_bot]
    return world.dice.choice(here) if here else None


def _told_of(sitting: Sitting) -> list[Person]:
    return [person for person in sitting.people if person.told is None or person.told.index]


def _speaker(world: World, sitting: Sitting) -> Person:
    return world.dice.choice(_told_of(sitting))


# ---- people come and go ----------------------------------------------------------------------------------------------


def join(world: World) -> None:
    here = {person.key for sitting in world.truth.present() for person in sitting.people}
    away = [key for key in NAMES if key not in here]
    if not away or len(world.truth.present()) >= 4:
        return
    key = world.dice.choice(away)
    person = world.people.get(key)
    if person is None:
        person = world.people[key] = Person(key, NAMES[key])
        if world.circumstances.knows_agreements and world.dice.random() < 0.6:
            world.pages.agreed_ahead(person, says_yes=world.dice.random() < 0.7)
    group = world.groups.setdefault(key, [person])
    world.room.sits(group, person.name, is_phone=key == "tel" and not world.circumstances.names_only)


def leave(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        world.room.leaves(sitting)


def reload(world: World) -> None:
    sitting = _anybody(world)
    if sitting is None:
        return
    world.room.leaves(sitting)
    world.advance(world.dice.choice((0, 1, 30)))
    world.room.sits(sitting.people, sitting.people[0].name, is_phone=sitting.seat in world.room.phones)


def look_in(world: World) -> None:
    """There for a moment, seen or not."""
    before = len(world.truth.present())
    join(world)
    world.advance(world.dice.choice((1, 19, 20, 21, 60)))
    if len(world.truth.present()) > before:
        world.room.leaves(world.truth.present()[-1])


def other_bot(world: World) -> None:
    if world.circumstances.hears is Hears.MIXED or world.truth.at("s-otter") or world.circumstances.names_only:
        return
    world.room.sits([Person("otter", "Otter")], "Otter", kind=SeatKind.BOT)


def rename(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        world.room.renames(sitting, world.dice.choice(("Ben", "Benny", sitting.people[0].name)))


def line_changes_owner(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        world.room.changes_owner(sitting, world.dice.choice((20, 21, 100, 400)))


# ---- people answer ---------------------------------------------------------------------------------------------------


def _is_noticed(world: World, sitting: Sitting) -> bool:
    return any(at_ms >= sitting.from_ms for at_ms, _ in world.room.notices.get(sitting.seat, ()))


def _is_first_since_ask(world: World, sitting: Sitting) -> bool:
    since_ms = max((at_ms for at_ms, _ in world.room.notices.get(sitting.seat, ())), default=None)
    if since_ms is None or world.now_ms - since_ms > ASK_WINDOW_MS:
        return False
    return not any(
        message.at_ms >= since_ms and (message.seat == sitting.seat or not message.is_whisper)
        for message in world.room.history
        if message.is_talk
    )


def chat_yes(world: World) -> None:
    sitting = _anybody(world)
    if sitting is None:
        return
    dice, room = world.dice, world.room
    posted = sorted(room.public_notices)
    reply_to = dice.choice(posted) if posted and dice.random() < 0.4 else None
    text = dice.choice(YES)
    is_meant = reply_to is not None or _is_noticed(world, sitting)
    if dice.random() < 0.3:
        text = dice.choice(BARE_YES)
        is_meant = reply_to is not None or (_is_noticed(world, sitting) and _is_first_since_ask(world, sitting))
    message = room.writes(sitting, text, reply_to=reply_to, whisper=dice.random() < 0.1)
    person, message.is_bare = sitting.people[0], text in BARE_YES
    person.eager_ms = world.now_ms
    if is_meant:
        word = person.says(Word(world.now_ms, "room", is_yes=True, message_id=message.message_id))
        world.words.says(sitting.seat, message.message_id, word)


def chat_no(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        message = world.room.writes(sitting, world.dice.choice(NO), whisper=world.dice.random() < 0.1)
        _says_no(world, sitting, message)


def _says_no(world: World, sitting: Sitting, message: Message, *, is_told_again: bool = True) -> None:
    word = _speaker(world, sitting).says(Word(world.now_ms, "room", is_yes=False, message_id=message.message_id))
    world.words.says(sitting.seat, message.message_id, word, is_told_again=is_told_again)


def chat_nothing(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        posted = sorted(world.room.public_notices)
        reply_to = world.dice.choice(posted) if posted and world.dice.random() < 0.3 else None
        world.room.writes(sitting, world.dice.choice(NOTHING), reply_to=reply_to)


def _own_message(world: World) -> tuple[Sitting, Message] | None:
    found = []
    for message in world.room.history:
        sitting = world.truth.at(message.seat)
        if sitting is not None and message.is_chat and not message.is_gone and message.at_ms >= sitting.from_ms:
            found.append((sitting, message))
    return world.dice.choice(found[-6:]) if found else None


def _only_said_yes_in(person: Person, message: Message) -> bool:
    """Whoever said it elsewhere, too, may stand by that."""
    said: list[Word] = []
    for word in person.words:
        said = [*said, word] if word.is_yes else []
    return bool(said) and all(word.message_id == message.message_id for word in said)


def edit(world: World) -> None:
    """A yes that is changed is none any more; what becomes a yes by an edit is none."""
    found = _own_message(world)
    if found is None:
        return
    sitting, message = found
    text = world.dice.choice((*YES, *NO, *NOTHING))
    takers = [person for person in sitting.people if _only_said_yes_in(person, message)]
    world.room.edits(message, text)
    if text in YES:
        sitting.people[0].eager_ms = world.now_ms
    elif text in NO:
        _takes_back(world, sitting, _speaker(world, sitting), f"{message.message_id}:edited", is_plain=True)
    for person in takers if text not in NO and text not in YES else []:
        _takes_back(world, sitting, person, f"{message.message_id}:edited", is_plain=False)


def delete(world: World) -> None:
    found = _own_message(world)
    if found is None:
        return
    sitting, message = found
    world.room.deletes(message)
    for person in sitting.people:
        if _only_said_yes_in(person, message):
            _takes_back(world, sitting, person, f"{message.message_id}:deleted", is_plain=False)


def _takes_back(world: World, sitting: Sitting, person: Person, reference: str, *, is_plain: bool) -> None:
    word = person.says(Word(world.now_ms, "room", is_yes=False, is_plain=is_plain))
    world.words.says(sitting.seat, reference, word, is_told_again=is_plain)


def told_again(world: World) -> None:
    """The room tells something that it told before."""
    said = [message for message in world.room.history if not message.is_gone]
    if said:
        message = world.dice.choice(said[-12:])
        for bot in world.bots_in_room():
            world.room.tell_message(bot, message, 0)


def stop_button(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        _says_no(world, sitting, world.room.presses_stop(sitting))


def phone_key(world: World) -> None:
    phones = [sitting for sitting in world.truth.present() if sitting.seat in world.room.phones]
    if not phones:
        return
    sitting, digits = phones[0], world.dice.choice(("1", "1", "2", "11", "#"))
    was_asked = _is_noticed(world, sitting)
    message = world.room.presses_key(sitting, digits)
    if was_asked and digits == "1":
        word = sitting.people[0].says(Word(world.now_ms, "room", is_yes=True))
        world.words.says(sitting.seat, message.message_id, word, is_told_again=False)
    elif was_asked and world.words.is_known_as_asked(sitting.seat):  # else it is only a key
        _says_no(world, sitting, message, is_told_again=False)


# ---- pages -----------------------------------------------------------------------------------------------------------


def page_code(world: World) -> None:
    """Opens a page, chooses, and types its code from the seat; or types the code of a page of theirs again."""
    sitting = _anybody(world)
    if sitting is None or sitting.seat in world.room.phones:
        return
    dice, person = world.dice, _speaker(world, sitting)
    own = [page for page in world.pages.open.values() if page.person is person]
    if own and (dice.random() < 0.3 or person.key.startswith("hall")):  # one page a person: who has two counts twice
        page = dice.choice(own)
        world.room.writes(sitting, page.code).code = page.code
        if not world.pages.is_known(page):  # typed again, it is said for the first time
            world.words.says(sitting.seat, page.code, person.says(Word(world.now_ms, "log", is_yes=page.says_yes)))
        return
    people = dice.choice((1, 1, 1, 2, 3)) if person.key == "hall" else max(1, len(sitting.people))
    says_yes = dice.random() < 0.8
    page = world.pages.opens(person, says_yes=says_yes, people=people)
    told = Fact(world.now_ms, "log")
    world.pages.note_people(sitting, people, told)
    word = person.says(Word(world.now_ms, "log", is_yes=says_yes))
    world.room.writes(sitting, f"code {page.code}").code = page.code
    for fact in (told, word):
        world.words.says(sitting.seat, page.code, fact)


def page_form(world: World) -> None:
    bound = [page for page in world.pages.open.values() if page.seat is not None]
    if bound:
        world.pages.answers(world.dice.choice(bound[-6:]), says_yes=world.dice.random() < 0.65)


def page_no_by_name(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        world.pages.says_no_by_name(_speaker(world, sitting), world.room.names[sitting.seat])


def form_again(world: World) -> None:
    if world.pages.sent:
        world.pages.send_again(world.dice.choice(world.pages.sent[-8:]))


def headcount(world: World) -> None:
    halls = [sitting for sitting in world.truth.present() if sitting.people[0].key == "hall"]
    if halls:
        world.pages.declares(halls[0], world.dice.choice((2, 2, 3)))


def under_18(world: World) -> None:
    bound = [page for page in world.pages.open.values() if page.seat is not None]
    if bound and world.dice.random() < 0.2:
        world.pages.bars(world.dice.choice(bound))


def stricter_place(world: World) -> None:
    if world.dice.random() < 0.3:
        world.pages.tightens()


# ---- the host --------------------------------------------------------------------------------------------------------


def host_chat(world: World) -> None:
    sitting = next((each for each in world.truth.present() if each.people[0].key == "ada"), None)
    if sitting is None:
        return
    text = world.dice.choice(("/pause", "/resume", "/resume", "/ask", "/wait", "/fallback"))
    if world.dice.random() < 0.02:
        text = "/stop"
    world.words.host_says(sitting, text)


def host_page(world: World) -> None:
    acts = (HostAct.PAUSE, HostAct.RESUME, HostAct.RESUME, HostAct.ASK, HostAct.WAIT, HostAct.FALL_BACK)
    world.pages.host_acts(world.dice.choice(acts))


def attest(world: World) -> None:
    sitting = _anybody(world)
    if sitting is not None:
        world.pages.attests(sitting)


def host_stop(world: World) -> None:
    if world.dice.random() < 0.15:
        world.is_stopped = True


# ---- time ------------------------------------------------------------------------------------------------------------


def a_moment(world: World) -> None:
    """To the edge of a packet, or a millisecond beside it."""
    track, _ = world.dice.choice(list(world.room.tracks.values())[-4:])
    edge_ms = -(world.now_ms + track.lag_ms + track.early_ms) % FRAME_MS
    world.advance(max(0, edge_ms + FRAME_MS * world.dice.choice((0, 1, 2, 5)) + world.dice.choice((-1, 0, 1))))


def a_while(world: World) -> None:
    world.advance(world.dice.choice((199, 200, 201, 400, 700, 1_000)))


def long_while(world: World) -> None:
    world.advance(world.dice.choice((2_000, 3_100, 4_100)))


def all_is_well(world: World) -> None:
    """Everybody who has not agreed does, in a way that counts; and some time passes."""
    if not world.bots:
        world.begin_stay()
    world.advance(200)
    for sitting in world.truth.present():
        page = next((page for page in world.pages.open.values() if page.seat == sitting.seat), None)
        if len(sitting.people) > 1:
            _all_on_pages(world, sitting)
        elif sitting.people[0].wants is True or not _is_noticed(world, sitting):
            continue
        elif sitting.seat in world.room.phones:
            message = world.room.presses_key(sitting, "1")
            _agrees(world, sitting, message.message_id, is_told_again=False)
        elif page is not None and page.person is sitting.people[0]:
            world.pages.answers(page, says_yes=True)
        else:
            _agrees(world, sitting, world.room.writes(sitting, "record yes").message_id)
    world.advance(700)


def _agrees(world: World, sitting: Sitting, message_id: str, *, is_told_again: bool = True) -> None:
    word = sitting.people[0].says(Word(world.now_ms, "room", is_yes=True, message_id=message_id))
    world.words.says(sitting.seat, message_id, word, is_told_again=is_told_again)


def _all_on_pages(world: World, sitting: Sitting) -> None:
    for person in _told_of(sitting):
        page = next((page for page in world.pages.open.values() if page.person is person), None)
        if page is None:
            page = world.pages.opens(person, says_yes=True, people=len(sitting.people))
            page.seat = sitting.seat  # its code was typed before anybody chose
        if page.seat is not None:
            world.pages.answers(page, says_yes=True)


WEIGHTS: dict[Step, int] = {
    join: 8, leave: 3, reload: 2, look_in: 2, other_bot: 1, rename: 1, line_changes_owner: 1,
    chat_yes: 22, chat_no: 3, chat_nothing: 3, edit: 1, delete: 1, told_again: 3, stop_button: 2, phone_key: 5,
    page_code: 6, page_form: 6, page_no_by_name: 1, form_again: 1, headcount: 1, under_18: 1, stricter_place: 1,
    host_chat: 3, host_page: 2, attest: 2, host_stop: 1,
    a_moment: 30, a_while: 24, long_while: 3, all_is_well: 8,
    **FAULTS,
}  # fmt: skip
BY_NAME = {step.__name__: step for step in WEIGHTS}
