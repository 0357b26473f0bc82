"""What people answered before a meeting, for it or for its series: each answer an entry of the log, the last one a row.

Entry and row are written in one transaction, and `verify` holds them equal. Which of them counts for somebody in a
meeting is decided in `consent_notice.ahead`; a page is known by its secret id, which is looked up by its hash.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select
from sqlalchemy.dialects.sqlite import insert

from consent_notice.ahead import AheadAnswer, Covers, FoundAgreement, counts_as_yes, found
from consent_notice.clock import Clock
from consent_notice.decisions import Act
from consent_notice.events import NO_VISIT, AgreedAhead, Decided, Event
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, MeetingId, Purpose, VisitId
from storage.columns import to_epoch_ms
from storage.consent_log import Companion, ConsentLog
from storage.database import Database
from storage.errors import AnsweredMeanwhile, NotStored
from storage.invitations import Reach
from storage.schema import (
    agreement_ids,
    agreements,
    meetings,
    personal_links,
)
from storage.vault import Vault

_PAGE = "ahead page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer as a page took it."""

    reach: Reach
    name: str
    choices: Mapping[Purpose, bool]  # all that was asked; RECORDING among them
    until: date
    notice: Notice
    link: str | None  # reference of the personal link that it came by


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a page said last."""

    id: str
    page_id: str  # secret: whoever has it is the page
    reach: Reach
    name: str
    choices: Mapping[Purpose, bool]
    said_at: datetime
    until: date
    notice_version: str
    notice_sha256: str
    link: str | None
    link_is_revoked: bool
    withdrawn_at: datetime | None
    log_index: int
    tied: Mapping[str, str]  # platform ids, hashed again, with the name that each had

    @property
    def says_yes(self) -> bool:
        return self.answer.says_yes

    @property
    def says_no(self) -> bool:
        return self.answer.says_no

    @property
    def level(self) -> IdentityLevel:
        """Of whoever is tied to it by a code or a tap: that is how a platform id came to it."""
        return IdentityLevel.SIGNED_PERSONAL_LINK if self.link else IdentityLevel.PAGE_BOUND_BY_CODE

    @property
    def answer(self) -> AheadAnswer:
        return AheadAnswer(
            agreement=self.id,
            order=self.log_index,
            covers=self.reach.covers,
            choices=self.choices,
            until=self.until,
            notice_version=self.notice_version,
            level=self.level,
            name=self.name,
            tied=self.tied,
            link=self.link or "",
            link_is_revoked=self.link_is_revoked,
            is_withdrawn=self.withdrawn_at is not None,
        )


class Agreements:
    """`is_still_valid(version)`: whether a yes that was given to that version of the notice still counts."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        log: ConsentLog,
        clock: Clock,
        is_still_valid: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._database = database
        self._vault = vault
        self._log = log
        self._clock = clock
        self.is_still_valid = is_still_valid

    # ---- what a page says ------------------------------------------------------------------------------------------

    async def say(self, page_id: str, said: Said, nonce: str, *, seen: int | None) -> Agreement:
        """Durable on return, with its entry. The same answer with the same nonce changes nothing.

        `seen`: the entry that the person saw as their last, -1 for none; None where the answer counts whatever they
        saw. Raises AnsweredMeanwhile where it was another one, LogWriteFailed.
        """
        agreement = agreement_id(page_id)
        acts = tuple((purpose, Act.GIVE if chosen else Act.REFUSE) for purpose, chosen in said.choices.items())
        level = IdentityLevel.SIGNED_PERSONAL_LINK if said.link else IdentityLevel.SHARED_OR_ANONYMOUS
        key = _hash(page_id)
        values = {
            "id": agreement,
            "host_id": said.reach.host_id,
            "covers": said.reach.covers.value,
            "about": said.reach.about,
            "name": said.name,
            "choices": _choices_text(said.choices),
            "said_at": to_epoch_ms(self._clock.now()),
            "until": said.until.isoformat(),
            "notice_version": said.notice.version,
            "notice_language": said.notice.language,
            "notice_sha256": said.notice.text_sha256,
            "personal_link": bytes.fromhex(said.link) if said.link else None,
            "page_sha256": key,
            "page_sealed": self._vault.seal(_PAGE, key.hex(), page_id),
            "withdrawn_at": None,
        }
        event = AgreedAhead(
            visit=NO_VISIT,
            agreement=agreement,
            covers=said.reach.covers.value,
            about=said.reach.about,
            acts=acts,
            until=said.until.isoformat(),
            identity_level=level,
            notice=said.notice.id,
            notice_version=said.notice.version,
            notice_language=said.notice.language,
            notice_sha256=said.notice.text_sha256,
            message_id=f"{agreement}:{nonce}",
            name=said.name,
        )
        await self._log_and_keep(event, values, nonce, seen)
        return await self._known(page_id)

    async def withdraw(self, page_id: str, nonce: str) -> Agreement:
        """Takes the answer back: a yes, and a no too; then nothing was said ahead. Raises NotStored, LogWriteFailed."""
        before = await self._known(page_id)
        if before.withdrawn_at is not None:
            return before
        entry = await asyncio.to_thread(self._log.get, before.log_index)
        last = entry.event
        if not isinstance(last, AgreedAhead):
            raise NotStored
        acts = tuple((purpose, Act.WITHDRAW if chosen else Act.RESET) for purpose, chosen in before.choices.items())
        values = {
            "page_sha256": _hash(page_id),
            "choices": _choices_text(dict.fromkeys(before.choices, False)),
            "said_at": to_epoch_ms(self._clock.now()),
            "withdrawn_at": to_epoch_ms(self._clock.now()),
        }
        event = replace(last, acts=acts, message_id=f"{before.id}:{nonce}")
        await self._log_and_keep(event, values, nonce, None)
        return await self._known(page_id)

    async def by_page(self, page_id: str) -> Agreement | None:
        rows = await self._select(agreements.c.page_sha256 == _hash(page_id))
        return rows[0] if rows else None

    async def _known(self, page_id: str) -> Agreement:
        known = await self.by_page(page_id)
        if known is None:
            raise NotStored
        return known

    async def _log_and_keep(self, event: AgreedAhead, values: dict[str, Any], nonce: str, seen: int | None) -> None:
        def keep(connection: sqlite3.Connection, indices: Sequence[int]) -> None:
            """One that was logged before is told again with its old index: its row is newer, and stays."""
            (index,) = indices
            row = connection.execute(
                "SELECT log_index FROM agreements WHERE page_sha256 = ?", (values["page_sha256"],)
            ).fetchone()
            last = -1 if row is None else row[0]
            if last >= index:
                return
            if seen is not None and last != seen:
                raise AnsweredMeanwhile
            kept = {**values, "log_index": index}
            names = list(kept)
            if row is None:
                statement = f"INSERT INTO agreements ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"  # noqa: S608  constants only
            else:
                changes = ", ".join(f"{name} = :{name}" for name in names if name != "page_sha256")
                statement = f"UPDATE agreements SET {changes} WHERE page_sha256 = :page_sha256"  # noqa: S608  constants only
            connection.execute(statement, kept)

        request = self._log.submit([(event, _event_id(event, nonce))], companion=keep)
        await asyncio.shield(asyncio.wrap_future(request))

    # ---- what counts in a meeting ------------------------------------------------------------------------------------

    async def find(self, meeting: MeetingId, series: str, platform_id: str, name: str) -> FoundAgreement | None:
        """What somebody who is in that meeting said ahead, if it counts for them. `platform_id`: hashed by the room."""
        known = [agreement.answer for agreement in await self.of_meeting(meeting, series)]
        hashed = _hash_id(platform_id) if platform_id else ""
        return found(known, hashed, name, self._clock.now().date(), await self._still_valid(known))

    async def of_meeting(self, meeting: MeetingId, series: str) -> list[Agreement]:
        """All that was said for that meeting, or for its series by the same host; oldest first."""
        host = select(meetings.c.host_id).where(meetings.c.id == meeting).scalar_subquery()
        of_meeting = and_(agreements.c.covers == Covers.MEETING.value, agreements.c.about == meeting)
        of_series = and_(agreements.c.covers == Covers.SERIES.value, agreements.c.about == series)
        reached = or_(of_meeting, of_series) if series else of_meeting
        return await self._select(agreements.c.host_id == host, reached)

    async def bind_platform_id(self, agreement: str, platform_id: str, name: str = "") -> None:
        """Ties whoever the platform calls by that id to it, with the name they have now. Safe to repeat.

        Raises NotStored.
        """
        values = {
            "agreement_id": agreement,
            "platform_id_sha256": _hash_id(platform_id),
            "name": name,
            "tied_at": self._clock.now(),
        }

        def work(connection: Connection) -> bool:
            if connection.execute(select(agreements.c.id).where(agreements.c.id == agreement)).first() is None:
                return False
            connection.execute(insert(agreement_ids).values(values).on_conflict_do_nothing())
            return True

        if platform_id and not await self._database.write(work):
            raise NotStored

    async def count_agreed(self, meeting: MeetingId, series: str) -> int:
        """For the host, who sees how many agreed and nothing of the others."""
        today = self._clock.now().date()
        known = [agreement.answer for agreement in await self.of_meeting(meeting, series)]
        is_still_valid = await self._still_valid(known)
        return sum(counts_as_yes(answer, today, is_still_valid) for answer in known)

    async def _still_valid(self, answers: Sequence[AheadAnswer]) -> Callable[[str], bool]:
        versions = {answer.notice_version for answer in answers}
        return {version for version in versions if await self.is_still_valid(version)}.__contains__

    async def under_link(self, reference: str) -> list[Agreement]:
        return await self._select(agreements.c.personal_link == bytes.fromhex(reference))

    async def count(self, entries: Sequence[tuple[Event, str]], visit: VisitId, last_seen: int) -> None:
        """Logs a yes that was said ahead, unless it was taken back or anybody answered there after entry `last_seen`.

        Raises AnsweredMeanwhile, LogWriteFailed.
        """

        def check(connection: sqlite3.Connection, indices: Sequence[int]) -> None:
            for event, _ in entries:
                still_said(event)(connection, indices)
            ours = ", ".join(str(index) for index in indices)
            newer = connection.execute(
                f"SELECT 1 FROM log_leaves WHERE visit = ? AND kind = ? AND idx > ? AND idx NOT IN ({ours})",  # noqa: S608  numbers only
                (visit, Decided.kind, last_seen),
            ).fetchone()
            if newer is not None:
                raise AnsweredMeanwhile

        await asyncio.shield(asyncio.wrap_future(self._log.submit(entries, companion=check)))

    # ---- rows --------------------------------------------------------------------------------------------------------

    async def _select(self, *which: ColumnElement[bool]) -> list[Agreement]:
        query = (
            select(agreements, personal_links.c.revoked_at)
            .join(personal_links, agreements.c.personal_link == personal_links.c.id_sha256, isouter=True)
            .where(*which)
            .order_by(agreements.c.log_index)
        )

        def work(connection: Connection) -> list[Agreement]:
            rows = connection.execute(query).all()
            ids = [row.id for row in rows]
            tied: dict[str, dict[str, str]] = {}
            for one in connection.execute(select(agreement_ids).where(agreement_ids.c.agreement_id.in_(ids))):
                tied.setdefault(one.agreement_id, {})[one.platform_id_sha256] = one.name
            return [self._agreement(row, tied.get(row.id, {})) for row in rows]

        return await self._database.read(work)

    def _agreement(self, row: Row[Any], tied: Mapping[str, str]) -> Agreement:
        return Agreement(
            id=row.id,
            page_id=self._vault.unseal(_PAGE, row.page_sha256.hex(), row.page_sealed),
            reach=Reach(host_id=row.host_id, covers=Covers(row.covers), about=row.about),
            name=row.name,
            choices=read_choices(row.choices),
            said_at=row.said_at,
            until=date.fromisoformat(row.until),
            notice_version=row.notice_version,
            notice_sha256=row.notice_sha256,
            link=row.personal_link.hex() if row.personal_link is not None else None,
            link_is_revoked=row.revoked_at is not None,
            withdrawn_at=row.withdrawn_at,
            log_index=row.log_index,
            tied=tied,
        )


def still_said(event: Event) -> Companion:
    """For the append of a yes that repeats an agreement: refused with AnsweredMeanwhile where that says so no more."""

    def check(connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
        gives = [purpose for purpose, act in event.acts if act is Act.GIVE] if isinstance(event, Decided) else []
        if not isinstance(event, Decided) or not event.agreement or not gives:
            return
        row = connection.execute(
            "SELECT a.choices, a.withdrawn_at, p.revoked_at FROM agreements a"
            " LEFT JOIN personal_links p ON p.id_sha256 = a.personal_link WHERE a.id = ?",
            (event.agreement,),
        ).fetchone()
        if row is None or row[1] is not None or row[2] is not None:
            raise AnsweredMeanwhile
        choices = read_choices(row[0])
        if not all(choices.get(purpose, False) for purpose in gives):
            raise AnsweredMeanwhile

    return check


def agreement_id(page_id: str) -> str:
    """Names an agreement in the log without the secret that opens its page."""
    return sha256(b"onrecord agreement\0" + page_id.encode()).hexdigest()[:26]


def read_choices(text: str) -> dict[Purpose, bool]:
    return {Purpose(name): bool(chosen) for name, chosen in json.loads(text).items()}


def _choices_text(choices: Mapping[Purpose, bool]) -> str:
    return json.dumps({purpose.value: chosen for purpose, chosen in choices.items()})


def _event_id(event: AgreedAhead, nonce: str) -> str:
    """Two answers that one form sent, by a click on each of two buttons or after a step back, are two."""
    said = ",".join(f"{purpose.value} {act.value}" for purpose, act in event.acts)
    return sha256(f"ahead\x1f{event.agreement}\x1f{nonce}\x1f{said}".encode()).hexdigest()[:32]


def _hash(page_id: str) -> bytes:
    return sha256(page_id.encode()).digest()


def _hash_id(platform_id: str) -> str:
    return sha256(b"onrecord platform id\0" + platform_id.encode()).hexdigest()
