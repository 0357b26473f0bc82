"""The bot's one door to the store: entries, pages, presence rows, ownership, and the writer of kept sound.

Decides nothing; fences every write by the epoch of this stay.
"""

from __future__ import annotations

from contextlib import suppress

from bot.binding import PageBinding
from bot.books import BoundPage
from consent_notice.ahead import FoundAgreement
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, SeatJoined, SeatLeft
from consent_notice.words import MeetingId, SeatId, VisitId
from storage.agreements import still_said
from storage.consent_log import Fence
from storage.errors import AnsweredMeanwhile, NotStored, StaleEpoch
from storage.store import Store
from storage.track_writer import TrackWriter


class VisitLedger:
    """Implements `bot.books.Ledger` on the store."""

    def __init__(
        self,
        store: Store,
        writer: TrackWriter,
        *,
        visit: VisitId,
        meeting: MeetingId,
        epoch: int,
        boot_id: str,
    ) -> None:
        self._store = store
        self._writer = writer
        self._visit = visit
        self._meeting = meeting
        self._epoch = epoch
        self._binding = PageBinding(store=store, visit=visit, epoch=epoch, boot_id=boot_id)
        self._presence = ""  # what the visit's row says
        self._known_as: dict[SeatId, tuple[str, str]] = {}  # the platform's id and the name, of who is or was there

    async def append(self, event: Event, event_id: str) -> None:
        """A no is logged whichever bot heard it; whatever else a bot knows that was replaced counts no more.

        A yes said ahead that was taken back since it was found is not logged, and so is none.
        """
        fence = None if _is_a_no(event) else Fence(visit=self._visit, epoch=self._epoch)
        is_ahead = isinstance(event, Decided) and event.means is Means.AHEAD
        companion = still_said(event) if is_ahead else None
        try:
            await self._store.log.append_all([(event, event_id)], fence=fence, companion=companion)
        except AnsweredMeanwhile:
            return
        match event:
            case SeatJoined(seat=seat, name=name, seat_kind=kind, at_ms=at_ms):
                self._known_as[seat] = (event.platform_id, name)
                await self._store.visits.upsert_seat(self._visit, seat, name, kind, at_ms)
            case Decided(seat=seat, agreement=agreement) if agreement and _gives(event):
                await self._tie(seat, agreement)
            case SeatLeft(seat=seat, at_ms=at_ms):
                await self._store.visits.left_seat(self._visit, seat, at_ms)
            case _:
                pass

    async def bind_page(self, code: str, seat: SeatId, at_ms: int) -> BoundPage | None:
        return await self._binding.bind(code, seat, at_ms)

    async def beat(self, alive_ms: int, presence: str) -> bool:
        if not await self._store.meetings.heartbeat(self._meeting, self._epoch, alive_ms):
            return False
        if presence != self._presence:
            try:
                await self._store.visits.set_visit_state(self._visit, self._epoch, presence)
            except StaleEpoch:
                return False
            self._presence = presence
        return True

    async def find_agreement(self, seat: SeatId, platform_id: str, name: str) -> FoundAgreement | None:
        meeting = await self._store.meetings.get(self._meeting)
        series = meeting.series if meeting is not None else ""
        return await self._store.agreements.find(self._meeting, series, platform_id, name)

    async def _tie(self, seat: SeatId, agreement: str) -> None:
        """From the next meeting on the platform's id will do. One that was erased meanwhile needs it no more."""
        platform_id, name = self._known_as.get(seat, ("", ""))
        with suppress(NotStored):
            await self._store.agreements.bind_platform_id(agreement, platform_id, name)

    async def make_seat_code(self, seat: SeatId) -> str:
        return await self._store.seat_codes.make(self._visit, seat)

    async def stop_meeting(self) -> None:
        await self._store.meetings.stop(self._meeting)

    async def host_stopped(self) -> bool:
        return await self._store.meetings.is_stopped(self._meeting)

    async def called_off(self) -> str | None:
        return await self._store.meetings.called_off(self._meeting)

    async def cut_back(self, seat: SeatId | None, after_ms: int) -> None:
        self._writer.cut_back(seat, after_ms)


def _gives(event: Decided) -> bool:
    return any(act is Act.GIVE for _, act in event.acts)


def _is_a_no(event: Event) -> bool:
    return (
        isinstance(event, Decided)
        and any(act in (Act.REFUSE, Act.WITHDRAW) for _, act in event.acts)
        and not _gives(event)
    )
