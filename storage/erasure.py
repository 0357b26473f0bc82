"""Erases what was kept: by destroying keys, removing files, and really overwriting rows; each step may be repeated.

An erasure is first ordered, in a row that names everything to be destroyed; then done; then logged; and the order goes
last. Neither the entry nor the keys could come first alone: an entry before the deed would claim what a crash prevents,
a deed before anything durable would be a loss that nobody accounts for. An order claims nothing and promises no proof:
verify reports it as unfinished until `resume` has brought it to its end. Bodies of entries need no such care: they go
in the very transaction that logs it, and only their overwriting can be left over.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from consent_notice.clock import Clock
from consent_notice.events import NO_VISIT, AgreedAhead, Decided, Erased, NoticeDelivered, SeatJoined, SeatLeft
from consent_notice.words import SeatId, SegmentId, VisitId
from storage.authorities import LONGEST_AUTHORITY
from storage.columns import to_epoch_ms
from storage.database import Database, connect_raw
from storage.erasable import decided_by, is_agreed_before, needed_of, never_agreed
from storage.errors import BrokenRecord, ErasureUnfinished, NotStored, StillNeeded, StillRecording
from storage.key_file import sync_directory
from storage.log_entries import ERASABLE_KINDS
from storage.parts import HEADER_NAME, read_header
from storage.records import Records
from storage.schema import erasures, transcripts, visits
from storage.segments import Shelf, destroy, is_live, segment_folder
from storage.sound import LoggedSegment, logged_segments

LONGEST_VISIT = timedelta(days=1)  # one that never ended was left behind by a crash
_CHECKPOINT_TRIES = 40
_CHECKPOINT_WAIT_MS = 50  # short: while it waits, no entry can be logged
_BETWEEN_TRIES_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """All that one order destroys."""

    segments: tuple[SegmentId, ...] = ()
    transcripts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    bodies: tuple[int, ...] = ()
    seats: tuple[SeatId, ...] = ()  # whose rows of presence and pages go
    reduces: bool = False  # the visit then holds nothing of whoever never agreed
    agreements: tuple[str, ...] = ()  # said ahead; of no visit

    def __bool__(self) -> bool:
        return bool(self.segments or self.transcripts or self.bodies or self.seats or self.reduces or self.agreements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    id: str
    visit: VisitId
    authority: str
    targets: Targets


class Erasure:
    """Methods raise StorageError and OSError; what had been ordered by then is finished by `resume`."""

    def __init__(self, shelf: Shelf, transcripts_folder: Path, database: Database, records: Records, clock: Clock):
        self._shelf = shelf
        self._transcripts_folder = transcripts_folder
        self._database = database
        self._records = records
        self._clock = clock

    async def erase_recording(self, visit: VisitId, authority: str) -> Targets:
        """All sound and text of a visit. Raises StillRecording, NotStored."""
        return await asyncio.to_thread(self._erase_kept, visit, None, authority)

    async def erase_person(self, visit: VisitId, seat: SeatId, authority: str) -> Targets:
        """Sound in which this person can be heard, and their words; what others said alone stays."""
        return await asyncio.to_thread(self._erase_kept, visit, seat, authority)

    def erase_agreed_before(self, order: str, visit: VisitId, seat: SeatId, before_index: int, authority: str) -> None:
        """Blocking. As `erase_person`, of what relies on no yes that was logged from that entry on.

        Also while the meeting runs: what is closed can go. `order` names it, so that it is one erasure whoever begins
        it. Raises StillRecording while something of it is still being written.
        """
        self._tag(visit)
        choose = functools.partial(self._kept, visit, seat, before_index=before_index)
        ordered = self._order(visit, authority, choose, order)
        if ordered is not None:
            self._carry_out(ordered)

    def holds_agreed_before(self, visit: VisitId, seat: SeatId, before_index: int) -> bool:
        """Blocking. Whether something of that is still there."""
        decided = decided_by(self._shelf.log.entries_of(visit))
        return any(
            is_agreed_before(logged.opened, seat, decided, before_index)
            for logged in logged_segments(self._shelf.log, visit)
        )

    async def erase_bodies(self, indices: Iterable[int], authority: str) -> None:
        """What the log's entries say about a person; their leaves and proofs stay.

        Raises StillNeeded where something that is kept relies on one of them, NotStored.
        """
        await asyncio.to_thread(self._erase_bodies, sorted(set(indices)), authority)

    async def erase_never_agreed(self, visit: VisitId, authority: str) -> int:
        """Everything about the people who never said yes, page visits that no seat claimed included; how many people.

        Silence counts as never: there is even less reason to remember it than a no.
        """
        return await asyncio.to_thread(self._erase_never_agreed, visit, authority)

    async def erase_agreements(self, agreements: Iterable[str], authority: str) -> int:
        """All that was said ahead on these pages: rows, and bodies of entries; how many there were."""
        return await asyncio.to_thread(self._erase_agreements, frozenset(agreements), authority)

    async def resume(self) -> int:
        """Brings to its end what a crash cut off; how many orders."""
        return await asyncio.to_thread(self._resume)

    # ---- what to destroy ---------------------------------------------------------------------------------------------

    def _erase_kept(self, visit: VisitId, seat: SeatId | None, authority: str) -> Targets:
        self._tag(visit)
        order = self._order(visit, authority, functools.partial(self._kept, visit, seat))
        if order is not None:
            self._carry_out(order)
        return order.targets if order is not None else Targets()

    def _kept(
        self, visit: VisitId, seat: SeatId | None, connection: Connection, *, before_index: int | None = None
    ) -> Targets:
        if before_index is None and self._runs(visit, connection):
            raise StillRecording
        decided = decided_by(self._shelf.log.entries_of(visit))
        segments, keys = [], []
        for logged in logged_segments(self._shelf.log, visit):
            is_meant = before_index is None or is_agreed_before(logged.opened, seat, decided, before_index)
            if is_meant and (seat is None or seat in logged.opened.seats):
                segments.append(logged.opened.segment)
                keys += self._key_of(logged)
        texts = []
        for text in connection.execute(select(transcripts).where(transcripts.c.visit_id == visit)):
            is_theirs = before_index is None and (seat is None or text.seat == seat)
            if is_theirs or set(json.loads(text.segments)) & set(segments):
                texts.append(text.id)
                keys.append(text.key_id)
        return Targets(segments=tuple(segments), transcripts=tuple(texts), keys=tuple(keys))

    def _runs(self, visit: VisitId, connection: Connection) -> bool:
        """Raises NotStored."""
        row = connection.execute(select(visits.c.ended_at, visits.c.started_at).where(visits.c.id == visit)).first()
        if row is None:
            raise NotStored
        return row.ended_at is None and self._clock.now() - row.started_at < LONGEST_VISIT

    def _key_of(self, logged: LoggedSegment) -> list[str]:
        """Held to the log, so that nobody can point an erasure at another key. Raises BrokenRecord, StillRecording."""
        folder = segment_folder(self._shelf.tracks, logged.opened.visit, logged.opened.segment)
        if is_live(folder):
            raise StillRecording
        try:
            text = (folder / HEADER_NAME).read_bytes()
        except FileNotFoundError:
            if not logged.closed:
                return []  # nothing was ever kept in it
            raise BrokenRecord(
                "couldn't erase: a segment's header is missing, so its key isn't known; restore it from your backup"
            ) from None
        if sha256(text).hexdigest() != logged.opened.header_sha256:
            raise BrokenRecord("couldn't erase: a segment's header was changed; run `onrecord verify`")
        return [read_header(text).key_id]

    def _erase_bodies(self, indices: Sequence[int], authority: str) -> None:
        of_visit: dict[VisitId, list[int]] = {}
        agreements: set[str] = set()
        for index in indices:
            event = self._shelf.log.get(index).event
            if isinstance(event, AgreedAhead):
                agreements.add(event.agreement)
            else:
                of_visit.setdefault(VisitId(event.visit), []).append(index)
        orders = []
        for visit, bodies in of_visit.items():
            self._tag(visit)
            orders.append(self._order(visit, authority, functools.partial(self._bodies, visit, bodies)))
        for order in orders:
            if order is not None:
                self._carry_out(order)
        self._erase_agreements(frozenset(agreements), authority)

    def _bodies(self, visit: VisitId, bodies: Sequence[int], _connection: Connection) -> Targets:
        entries = {entry.index: entry for entry in self._shelf.log.entries_of(visit)}
        needed = needed_of(entries.values(), logged_segments(self._shelf.log, visit))
        found = []
        for index in bodies:
            event = entries[index].event
            if event.kind not in ERASABLE_KINDS:
                raise StillNeeded("couldn't erase: that entry says nothing about one person; nothing was erased")
            seat = getattr(event, "seat", None)  # None: erased before
            if seat in needed:
                raise StillNeeded
            if seat is not None:
                found.append(index)
        return Targets(bodies=tuple(found))

    def _erase_never_agreed(self, visit: VisitId, authority: str) -> int:
        self._tag(visit)
        order = self._order(visit, authority, functools.partial(self._never_agreed, visit))
        if order is not None:
            self._carry_out(order)
        return len(order.targets.seats) if order is not None else 0

    def _never_agreed(self, visit: VisitId, _connection: Connection) -> Targets:
        entries = self._shelf.log.entries_of(visit)
        seats = never_agreed(entries) - needed_of(entries, logged_segments(self._shelf.log, visit))
        about = SeatJoined | SeatLeft | NoticeDelivered | Decided
        bodies = [entry.index for entry in entries if isinstance(entry.event, about) and entry.event.seat in seats]
        return Targets(bodies=tuple(bodies), seats=tuple(sorted(seats)), reduces=True)

    def _erase_agreements(self, agreements: frozenset[str], authority: str) -> int:
        order = self._order(NO_VISIT, authority, lambda _connection: self._said_ahead(agreements))
        if order is not None:
            self._carry_out(order)
        return len(order.targets.agreements) if order is not None else 0

    def _said_ahead(self, agreements: frozenset[str]) -> Targets:
        said = {
            entry.index: entry.event.agreement
            for entry in self._shelf.log.entries_of(NO_VISIT)
            if isinstance(entry.event, AgreedAhead) and entry.event.agreement in agreements
        }
        return Targets(bodies=tuple(said), agreements=tuple(sorted(set(said.values()))))

    # ---- the steps ---------------------------------------------------------------------------------------------------

    def _order(
        self, visit: VisitId, authority: str, choose: Callable[[Connection], Targets], name: str = ""
    ) -> _Order | None:
        """None where there is nothing to destroy, or where an order of that name is being carried out already.

        While it chooses, nobody else writes: a transcript is either among the targets or comes too late."""
        authority = " ".join(authority.split())
        if not 0 < len(authority) <= LONGEST_AUTHORITY:
            raise ValueError(f"couldn't erase: give an authority of 1 to {LONGEST_AUTHORITY} characters")

        def work(connection: Connection) -> _Order | None:
            if name and connection.execute(select(erasures.c.id).where(erasures.c.id == name)).first():
                return None
            targets = choose(connection)
            if not targets:
                return None
            order = _Order(id=name or self._shelf.new_id(), visit=visit, authority=authority, targets=targets)
            connection.execute(
                insert(erasures).values(
                    id=order.id,
                    visit_id=visit or None,
                    authority=authority,
                    targets=json.dumps(asdict(targets)),
                    ordered_at=self._clock.now(),
                )
            )
            return order

        return self._database.write_now(work)

    def _resume(self) -> int:
        rows = self._database.read_now(
            lambda connection: connection.execute(select(erasures).order_by(erasures.c.ordered_at)).all()
        )
        for row in rows:
            visit = row.visit_id or NO_VISIT
            order = _Order(id=row.id, visit=visit, authority=row.authority, targets=_targets(row.targets))
            self._carry_out(order)
        return len(rows)

    def _carry_out(self, order: _Order) -> None:
        """Dies it anywhere, it is run again from its first line; what was done by then is done again to no effect."""
        targets = order.targets
        if targets.keys:
            self._shelf.keys.destroy(list(targets.keys))  # from here on nothing of it can be read
        self._remove_files(order)
        forget = functools.partial(_forget, order, to_epoch_ms(self._clock.now()))
        if targets.segments or targets.transcripts or targets.bodies:
            erased = Erased(
                visit=order.visit,
                bodies=targets.bodies,
                segments=targets.segments,
                transcripts=targets.transcripts,
                authority=order.authority,
            )
            # The entry, the bodies and the rows in one transaction: no entry without the deed, no deed without it.
            self._shelf.log.submit([(erased, f"erasure:{order.id}")], companion=forget).result()
            self._tag(order.visit)
        else:
            self._database.write_now(lambda connection: forget(_raw(connection), ()))
        overwrite(self._database.path)
        finished = delete(erasures).where(erasures.c.id == order.id)
        self._database.write_now(lambda connection: connection.execute(finished))

    def _remove_files(self, order: _Order) -> None:
        for segment in order.targets.segments:
            destroy(self._shelf, order.visit, segment, None)
        folder = self._shelf.tracks / order.visit
        if order.targets.segments and folder.is_dir():
            sync_directory(folder)  # again: a crash may have come between a removal and this
            with contextlib.suppress(OSError):  # what was not erased is still in it
                folder.rmdir()
            sync_directory(folder.parent)
        for transcript in order.targets.transcripts:
            (self._transcripts_folder / f"{transcript}.sealed").unlink(missing_ok=True)
        if order.targets.transcripts and self._transcripts_folder.is_dir():
            sync_directory(self._transcripts_folder)

    def _tag(self, visit: VisitId) -> None:
        """One that runs is tagged when it ends."""
        with contextlib.suppress(NotStored):  # the bot never got in: there is nothing to tag
            if not self._database.read_now(functools.partial(self._runs, visit)):
                self._records.tag_now(visit)


def overwrite(path: Path) -> None:
    """Moves what was deleted out of the journal, over the old pages. Raises ErasureUnfinished."""
    with closing(connect_raw(path)) as connection:
        connection.execute(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT_MS}")
        for _ in range(_CHECKPOINT_TRIES):
            with contextlib.suppress(sqlite3.OperationalError):  # locked
                (is_busy, *_rest) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not is_busy:
                    return
            time.sleep(_BETWEEN_TRIES_S)
    raise ErasureUnfinished


def _forget(order: _Order, now_epoch_ms: int, connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
    """Safe to repeat; the caller's transaction, with secure_delete on."""
    targets, visit = order.targets, order.visit
    connection.executemany("DELETE FROM log_bodies WHERE idx = ?", [(index,) for index in targets.bodies])
    connection.executemany("DELETE FROM transcripts WHERE id = ?", [(name,) for name in targets.transcripts])
    connection.execute(
        "UPDATE visits SET words = (SELECT coalesce(sum(words), 0) FROM transcripts WHERE visit_id = ?) WHERE id = ?",
        (visit, visit),
    )
    connection.executemany(  # one that was said again since the order is not the one that was to go
        "DELETE FROM agreements WHERE id = ? AND log_index NOT IN (SELECT idx FROM log_bodies)",
        [(agreement,) for agreement in targets.agreements],
    )
    for table in ("seats", "stays", "pages", "erasure_wishes"):
        connection.executemany(
            f"DELETE FROM {table} WHERE visit_id = ? AND seat = ?",  # noqa: S608  constants only
            [(visit, seat) for seat in targets.seats],
        )
    if targets.reduces:
        connection.execute("DELETE FROM pages WHERE visit_id = ? AND seat IS NULL", (visit,))
        connection.execute("UPDATE visits SET reduced_at = ? WHERE id = ?", (now_epoch_ms, visit))


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _targets(text: str) -> Targets:
    found = json.loads(text)
    return Targets(
        segments=tuple(found["segments"]),
        transcripts=tuple(found["transcripts"]),
        keys=tuple(found["keys"]),
        bodies=tuple(found["bodies"]),
        seats=tuple(found["seats"]),
        reduces=found["reduces"],
        agreements=tuple(found.get("agreements", ())),
    )
