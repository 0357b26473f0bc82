"""One calendar of the Graph stand-in: events, a series with exceptions, and what changed since a version.

Written from learn.microsoft.com/graph/api/resources/event and .../graph/delta-query-events; occurrences come partly
(microsoft-graph-docs issue 7632), and a deleted occurrence is told by its master only (pull request 4501 there).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]


def stamp(moment: datetime) -> Json:
    return {"dateTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def event(event_id: str, starts_at: datetime, link: str = "", **fields: Any) -> Json:
    """As the service writes one, shortened."""
    return {
        "@odata.type": "#microsoft.graph.event",
        "id": event_id,
        "type": "singleInstance",
        "seriesMasterId": None,
        "subject": f"Title {event_id}",
        "start": stamp(starts_at),
        "end": stamp(starts_at + timedelta(minutes=30)),
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": False,
        "originalStartTimeZone": "W. Europe Standard Time",
        "responseStatus": {"response": "notResponded", "time": "0001-01-01T00:00:00Z"},
        "organizer": {"emailAddress": {"name": "Bob", "address": "bob@example.org"}},
        "attendees": [],
        "onlineMeeting": {"joinUrl": link} if link else None,
        "location": {"displayName": "", "locationType": "default"},
        **fields,
    }


@dataclass(slots=True)
class Mailbox:
    version: int = 0
    events: dict[str, Json] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)  # id: version
    starts: dict[str, list[datetime]] = field(default_factory=dict)  # of a master: where its occurrences stand
    exceptions: dict[str, Json] = field(default_factory=dict)  # by the occurrence's id

    def put(self, *events: Json) -> None:
        for each in events:
            self._touch(each["id"])
            self.events[each["id"]] = each

    def put_series(self, master_id: str, starts: list[datetime], link: str) -> None:
        self.starts[master_id] = starts
        self.put(event(master_id, starts[0], link, type="seriesMaster", recurrence={"range": {"type": "noEnd"}}))

    def move(self, master_id: str, number: int, to: datetime) -> None:
        first = self.starts[master_id][number]
        occurrence_id = self.occurrence_id(master_id, number)
        whole = {name: value for name, value in self.events[master_id].items() if name != "recurrence"}
        changed = {"type": "exception", "seriesMasterId": master_id, "id": occurrence_id, "start": stamp(to)}
        original = first.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.exceptions[occurrence_id] = (
            whole
            | changed
            | {
                "end": stamp(to + timedelta(minutes=30)),
                "originalStart": original,
            }
        )
        self._touch(occurrence_id)

    def remove(self, event_id: str) -> None:
        del self.events[event_id]
        self.starts.pop(event_id, None)
        self._touch(event_id)

    def remove_occurrence(self, master_id: str, number: int) -> None:
        self.starts[master_id][number] = datetime(1990, 1, 1, tzinfo=UTC)
        self._touch(master_id)

    def occurrence_id(self, master_id: str, number: int) -> str:
        return f"{master_id}.{number}"

    def instances(self, master_id: str, span: tuple[datetime, datetime], *, partly: bool) -> list[Json]:
        found: list[Json] = []
        master = self.events[master_id]
        for number, at in enumerate(self.starts.get(master_id, [])):
            occurrence_id = self.occurrence_id(master_id, number)
            own: Json = {"id": occurrence_id, "seriesMasterId": master_id, "type": "occurrence", "start": stamp(at)}
            own["end"] = stamp(at + timedelta(minutes=30))
            whole = {name: value for name, value in master.items() if name != "recurrence"}
            full = own if partly else whole | own | {"originalStart": own["start"]["dateTime"] + "Z"}
            instance = self.exceptions.get(occurrence_id, full)
            starts_at = datetime.fromisoformat(instance["start"]["dateTime"]).replace(tzinfo=UTC)
            if at.year > 1990 and span[0] <= starts_at < span[1]:
                found.append(instance)
        return found

    def since(self, version: int, span: tuple[datetime, datetime]) -> list[Json]:
        """All of the window at version 0."""
        told: list[Json] = []
        for event_id, at in self.changed.items():
            if at <= version:
                continue
            held = self.events.get(event_id) or self.exceptions.get(event_id)
            if held is None:
                if version:
                    told.append({"id": event_id, "@removed": {"reason": "deleted"}})
            elif held["type"] == "seriesMaster":
                told += [held, *(self.instances(event_id, span, partly=True) if not version else [])]
            elif held["type"] == "exception":
                told += [held] if version else []
            else:
                try:
                    starts_at = datetime.fromisoformat(held["start"]["dateTime"]).replace(tzinfo=UTC)
                    inside = span[0] <= starts_at < span[1]
                except ValueError:  # a broken event, on purpose
                    inside = True
                if inside:
                    told.append(held)
                elif version:  # outside the window: told as removed
                    told.append({"id": event_id, "@removed": {"reason": "deleted"}})
        return told

    def _touch(self, event_id: str) -> None:
        self.version += 1
        self.changed[event_id] = self.version
