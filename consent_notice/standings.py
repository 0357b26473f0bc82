"""Where people stand after the decisions in the log, in its order: the one reading of bot, pages, verify and receipts.

Says nothing about whether anything may be kept; that is `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

from consent_notice.decisions import Act, IllegalAct, meets_floor, next_standing
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.words import Purpose, SeatId, Standing

ASKED_BY_NOTICE = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
BY_OTHERS = frozenset({Means.HOST, Means.SYSTEM})
NO_NO = frozenset({Act.GIVE, Act.ASK, Act.DEFER, Act.ATTEST})


class StandingsReplay:
    """As the bot keeps them: an act that the table does not know changes nothing, a yes that is given twice relies on
    the first, and a yes that was said before a no but logged after it is none.
    """

    def __init__(self) -> None:
        self.now: dict[tuple[SeatId, Purpose], Standing] = {}
        self._last_no: dict[tuple[SeatId, Purpose], tuple[str, int]] = {}

    def after(self, event: NoticeDelivered | Decided) -> Iterator[tuple[Purpose, Standing]]:
        """The standings that the event changes."""
        acts = event.acts if isinstance(event, Decided) else tuple((purpose, Act.ASK) for purpose in ASKED_BY_NOTICE)
        for purpose, act in acts:
            key = (event.seat, purpose)
            before = self.now.get(key, Standing.UNKNOWN)
            if act is Act.GIVE and (before is Standing.GIVEN or not self.counts(event, purpose)):
                continue
            try:
                self.now[key] = next_standing(before, act, by_person=event.means not in BY_OTHERS)
            except IllegalAct:
                continue
            if act not in NO_NO:
                self._note_no(key, event)
            yield purpose, self.now[key]

    def counts(self, event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
        """Whether its yes is one: said after the person's last no, by somebody who is known well enough."""
        last_no_ms = self.last_no_ms(event.seat, purpose, event.boot_id)
        return (last_no_ms is None or event.at_ms > last_no_ms) and not _is_low(event, purpose)

    def last_no_ms(self, seat: SeatId, purpose: Purpose, boot_id: str) -> int | None:
        """On the clock of that boot; None where there is none, or the last was said on another boot's clock."""
        said_on, at_ms = self._last_no.get((seat, purpose), ("", 0))
        return at_ms if said_on == boot_id else None

    def _note_no(self, key: tuple[SeatId, Purpose], event: NoticeDelivered | Decided) -> None:
        boot_id, at_ms = self._last_no.get(key, (event.boot_id, event.at_ms))
        self._last_no[key] = (event.boot_id, max(at_ms, event.at_ms) if boot_id == event.boot_id else event.at_ms)


def _is_low(event: NoticeDelivered | Decided, purpose: Purpose) -> bool:
    return isinstance(event, Decided) and not meets_floor(purpose, event.identity_level)
