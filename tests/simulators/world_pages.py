"""What other processes do in a simulated meeting: participants' pages, the host's page, agreements said ahead.

They write to the log themselves: a form has its time when it arrives, is durable some while later, may fail on either
side of that, and may come twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.commands import AgreementFound, PageBound
from consent_notice.decisions import Act
from consent_notice.events import (
    Decided,
    Event,
    HeadcountDeclared,
    HostAct,
    HostActed,
    Means,
    RecordingBarred,
    RuleSettled,
)
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, VisitId
from storage.errors import LogWriteFailed
from tests.simulators.world_bot import nothing_found
from tests.simulators.world_truth import FOREVER_MS, Fact, Pause, Person, Sitting, Word

if TYPE_CHECKING:
    from tests.simulators.world import World

VISIT = VisitId("visit")
YES = ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))
NO = ((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))
WITHDRAWN = ((Purpose.RECORDING, Act.WITHDRAW), (Purpose.TRANSCRIPTION, Act.WITHDRAW))
SLOW_MS = (0, 10, 60, 300, 700, 3_000)
_DIGITS, _LETTERS = "23456789", "ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(slots=True, eq=False)
class Page:
    """One person's. `seat`: the one that its code was typed from."""

    code: str
    person: Person
    says_yes: bool
    people: int
    seat: str | None = None

    @property
    def reference(self) -> str:
        return f"page{self.code}"


@dataclass(slots=True, eq=False)
class Form:
    """On its way into the log. `facts`: what it makes true."""

    event: Event
    event_id: str
    facts: list[Fact]
    due_ms: int


class Pages:
    def __init__(self, world: World) -> None:
        self.world = world
        self.open: dict[str, Page] = {}
        self.sent: list[Form] = []
        self.under_way: list[Form] = []
        self.agreements: dict[str, bool] = {}  # by person: what they said ahead
        self._numbers = 0

    # ---- a participant's page ----------------------------------------------------------------------------------------

    def opens(self, person: Person, *, says_yes: bool, people: int) -> Page:
        self._numbers += 1
        number, code = self._numbers, ""
        for _ in range(4):
            number, place = divmod(number, len(_LETTERS))
            code += _LETTERS[place]
        code += _DIGITS[self._numbers % len(_DIGITS)]
        page = self.open[code] = Page(code, person, says_yes, people)
        return page

    def bind(self, code: str, seat: SeatId, at_ms: int) -> PageBound | None:
        page = self.open.get(code)
        if page is None or (page.seat is not None and page.seat != seat):
            return None
        page.seat = str(seat)
        is_shared = page.people > 1 or self.people_at(str(seat)) > 1
        acts = YES if page.says_yes else NO
        return PageBound(
            seat=seat,
            page=code,
            acts=acts,
            is_shared=is_shared,
            is_known=self.is_known(page),
            at_ms=at_ms,
            person=page.reference if is_shared else "",
            people=page.people,
        )

    def is_known(self, page: Page) -> bool:
        """Whether what was chosen on it is in the log."""
        decided = (entry.event for entry in self.world.log.tail(0) if isinstance(entry.event, Decided))
        return any(event.message_id == page.code for event in decided)

    def people_at(self, seat: str) -> int:
        sitting = self.world.truth.at(seat)
        return 1 if sitting is None else len(sitting.people)

    def answers(self, page: Page, *, says_yes: bool) -> None:
        """On a bound page: logged by the page itself."""
        assert page.seat is not None
        is_shared = self.people_at(page.seat) > 1
        acts = YES if says_yes else self.world.dice.choice((NO, WITHDRAWN))
        sitting = self.world.truth.at(page.seat)
        # Under a name that two bear at a time, its code may have been taken for the other's.
        is_theirs = not self.world.circumstances.names_only or (sitting is not None and page.person in sitting.people)
        facts = [page.person.says(self._word(is_yes=says_yes))] if says_yes or is_theirs else []
        event = self._decided(page.seat, acts, Means.PAGE, person=page.reference if is_shared else "")
        self._send(event, *facts)

    def says_no_by_name(self, person: Person, name: str) -> None:
        """Without a code: it counts for whoever bears the name."""
        word = person.says(self._word(is_yes=False))
        for sitting in self.world.truth.present():
            if self.world.room.names[sitting.seat] == name and not sitting.is_bot:
                is_own = person in sitting.people
                event = self._decided(sitting.seat, NO, Means.PAGE, level=IdentityLevel.DISPLAY_NAME)
                self._send(event, *([word] if is_own else []))

    def declares(self, sitting: Sitting, people: int) -> None:
        """Others are at that microphone, too: whoever was not known is known from now on."""
        told = Fact(self.world.now_ms, "log")
        self.note_people(sitting, people, told)
        event = HeadcountDeclared(
            visit=VISIT,
            epoch=self.world.log.epoch,
            seat=SeatId(sitting.seat),
            people=people,
            means=Means.PAGE,
            message_id=self._new_id(),
            boot_id=self.world.boot_id,
            at_ms=self.world.boot_ms(),
        )
        self._send(event, told)

    def note_people(self, sitting: Sitting, people: int, told: Fact) -> None:
        for number in range(len(sitting.people), people):
            sitting.people.append(Person(f"{sitting.people[0].key}+{number}", sitting.people[0].name, told=told))

    def bars(self, page: Page) -> None:
        """The private button of somebody under 18."""
        barred = Fact(self.world.now_ms, "log")
        self.world.truth.shuttings.append((barred, None))
        event = RecordingBarred(
            visit=VISIT,
            epoch=self.world.log.epoch,
            why="somebody under 18",
            boot_id=self.world.boot_id,
            at_ms=self.world.boot_ms(),
        )
        self._send(event, barred)
        self.answers(page, says_yes=False)

    def tightens(self) -> None:
        """Somebody's declared place makes the rule stricter."""
        tightened = Fact(self.world.now_ms, "log")
        self.world.truth.tightened.append(tightened)
        event = RuleSettled(
            visit=VISIT,
            epoch=self.world.log.epoch,
            rule=Rule.EVERYONE,
            profile="explicit_all",
            places=(("de", "participant (declared)"),),
            reasons=("somebody is where everyone must agree",),
            boot_id=self.world.boot_id,
            at_ms=self.world.boot_ms(),
        )
        self._send(event, tightened)

    # ---- the host's page ---------------------------------------------------------------------------------------------

    def host_acts(self, act: HostAct) -> None:
        fact = (Pause if act is HostAct.PAUSE else Fact)(self.world.now_ms, "log")
        if act is HostAct.PAUSE:
            self.world.words.paused(fact)
        elif act is HostAct.RESUME:
            self.world.words.resumed(fact)
        event = HostActed(
            visit=VISIT,
            epoch=self.world.log.epoch,
            act=act,
            means=Means.HOST,
            message_id=self._new_id(),
            boot_id=self.world.boot_id,
            at_ms=self.world.boot_ms(),
        )
        self._send(event, fact)

    def attests(self, sitting: Sitting) -> None:
        """Counts, where the admin let it, for who has said nothing themselves that anybody heard."""
        facts: list[Fact] = []
        for person in sitting.people if self.world.circumstances.attested_opens else []:
            if all(word.is_lost or word.is_unheard for word in person.words):
                facts.append(person.says(self._word(is_yes=True)))
        event = self._decided(sitting.seat, ((Purpose.RECORDING, Act.ATTEST),), Means.HOST)
        self._send(event, *facts)

    # ---- ahead -------------------------------------------------------------------------------------------------------

    def agreed_ahead(self, person: Person, *, says_yes: bool) -> None:
        self.agreements[person.key] = says_yes
        word = person.says(Word(-FOREVER_MS, "log", is_yes=says_yes))
        self.world.words.facts[f"s-{person.key}", f"agreement-{person.key}:s-{person.key}"] = [word]

    def find_agreement(self, seat: SeatId, platform_id: str) -> AgreementFound:
        said = self.agreements.get(platform_id)
        if said is None:
            return nothing_found(seat)
        return AgreementFound(
            seat=seat,
            agreement=f"agreement-{platform_id}",
            acts=YES if said else NO,
            identity_level=IdentityLevel.PLATFORM_ACCOUNT,
            matched_by="agreed ahead, platform id",
        )

    def hurry(self) -> None:
        """Some of what is under way is durable a moment sooner."""
        for form in list(self.under_way):
            if self.world.dice.random() < 0.5:
                self._commit(form)

    # ---- into the log ------------------------------------------------------------------------------------------------

    def send_again(self, form: Form) -> None:
        """The browser's back button, an impatient thumb. What was lost is not sent again: it would be a new answer."""
        if form not in self.under_way and self.world.log.find(form.event_id) is None:
            return
        self._under_way(Form(form.event, form.event_id, form.facts, self.world.now_ms + 5))

    def lose(self) -> None:
        """These processes die, too; whoever waits for an answer gets none."""
        for form in self.under_way:
            self._lost(form)
        self.under_way.clear()

    def _word(self, *, is_yes: bool) -> Word:
        return Word(self.world.now_ms, "log", is_yes=is_yes)

    def _new_id(self) -> str:
        self._numbers += 1
        return f"form{self._numbers}"

    def _decided(
        self,
        seat: str,
        acts: tuple[tuple[Purpose, Act], ...],
        means: Means,
        *,
        person: str = "",
        level: IdentityLevel = IdentityLevel.PAGE_BOUND_BY_CODE,
    ) -> Decided:
        return Decided(
            visit=VISIT,
            epoch=self.world.log.epoch,
            seat=SeatId(seat),
            acts=acts,
            means=means,
            identity_level=level,
            matched_by="page code",
            notice="n",
            notice_version="1",
            notice_language="en",
            notice_sha256="00",
            message_id=self._new_id(),
            verbatim="",
            reader_version="1",
            boot_id=self.world.boot_id,
            at_ms=self.world.boot_ms(),
            person=person,
        )

    def _send(self, event: Event, *facts: Fact) -> None:
        due_ms = self.world.now_ms + self.world.dice.choice(SLOW_MS)
        form = Form(event, self._new_id(), list(facts), due_ms)
        self.sent.append(form)
        self._under_way(form)

    def _under_way(self, form: Form) -> None:
        self.under_way.append(form)
        self.world.at(form.due_ms, lambda: self._commit(form))

    def _commit(self, form: Form) -> None:
        if form not in self.under_way:
            return
        self.under_way.remove(form)
        try:
            entry = self.world.log.append(form.event, form.event_id)
        except LogWriteFailed:
            found = self.world.log.find(form.event_id)
            if found is None:
                self._lost(form)
                return
            entry = found
        for fact in form.facts:
            fact.is_durable(entry.durable_ms, entry.index, len(self.world.boots))

    def _lost(self, form: Form) -> None:
        if self.world.log.find(form.event_id) is None and all(fact.durable_ms is None for fact in form.facts):
            for fact in form.facts:
                fact.is_lost = True
