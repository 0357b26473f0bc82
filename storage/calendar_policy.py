"""Which meetings of one calendar its host wants recorded, as it lies at rest. What it means is planning's business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storage.errors import BrokenRecord

EARLIEST_JOIN_S = 600


class Recorded(StrEnum):
    ALL = "all"
    ORGANISED = "organised"  # by the host
    ACCEPTED = "accepted"  # by the host, or organised by them


class Externals(StrEnum):
    """People whose mail address is not of the host's organisation."""

    ANY = "any"
    WITHOUT = "without"
    ONLY = "only"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPolicy:
    recorded: Recorded = Recorded.ALL
    skip_words: tuple[str, ...] = ()  # a title with one of these is not visited
    externals: Externals = Externals.ANY
    join_early_s: int | None = None  # 0 to EARLIEST_JOIN_S; None: as the installation does

    def columns(self) -> dict[str, Any]:
        """Its columns of `calendars`."""
        return {
            "recorded": self.recorded.value,
            "skip_words": json.dumps(self.skip_words),
            "externals": self.externals.value,
            "join_early_s": self.join_early_s,
        }

    @classmethod
    def read(cls, row: Any) -> CalendarPolicy:
        """Raises BrokenRecord: a wish that can't be read is not taken for none."""
        try:
            words = json.loads(row.skip_words)
            return cls(
                recorded=Recorded(row.recorded),
                skip_words=tuple(str(word) for word in words),
                externals=Externals(row.externals),
                join_early_s=row.join_early_s,
            )
        except (ValueError, TypeError):
            raise BrokenRecord from None
