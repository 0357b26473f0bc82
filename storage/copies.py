"""Takes checkpoints out of the host's hands: copies the newest one to each place that was named, again and again.

Before it copies, it holds the log against the newest copy that is there. A log that does not continue its own published
checkpoint is told to the admin, and nothing is copied over it. What failed is kept where the admin sees it, and tried
again; a checkpoint is never lost by that, since every later one proves the earlier ones.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import tenacity

from consent_notice.clock import Clock
from consent_notice.continuity import DoesNotContinue
from storage.continuity import LOST, continues
from storage.errors import StorageError
from storage.key_file import replace_file
from storage.log_reader import LogReader

STATE_NAME = "checkpoint-copies.json"
NOTE_SUFFIX = ".checkpoint"
STAMP_SUFFIX = ".tsr"
TRIES = 3
RETRY_S = 60.0  # after a round in which something failed
_NAME = re.compile(r"(\d{12})" + re.escape(NOTE_SUFFIX))

T = TypeVar("T")

_log = logging.getLogger(__name__)


class CopyFailed(StorageError):
    """A checkpoint could not be copied to that place. It is tried again within the minute; the log says why."""

    def __init__(self, message: str | None = None, *, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.is_lasting = is_lasting  # trying again at once would change nothing


class CopyTaken(CopyFailed):
    """Another checkpoint of that size is there already. Another server signs with this log's key: stop one of them."""

    def __init__(self) -> None:
        super().__init__(is_lasting=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What goes to a place: public, and nothing about a person in it."""

    size: int
    note: str
    stamp: bytes | None = None  # an RFC 3161 response over the note

    def files(self) -> dict[str, bytes]:
        """By name; names sort by size."""
        found = {f"{self.size:012d}{NOTE_SUFFIX}": self.note.encode()}
        if self.stamp is not None:
            found[f"{self.size:012d}{STAMP_SUFFIX}"] = self.stamp
        return found


class Place(Protocol):
    """Where copies lie: a folder, a bucket. Methods raise CopyFailed and no other error."""

    kind: str
    where: str  # for the admin; no secret in it

    async def newest(self) -> str | None:
        """The note of the greatest size that lies there; None where there is none."""
        ...

    async def put(self, copy: Copy) -> bool:
        """Durable on return, each file whole or not there; False where all of it was there already.

        Raises CopyTaken rather than replace a file that holds something else.
        """
        ...


class Stamper(Protocol):
    """A service that says when it saw a checkpoint. Raises CopyFailed and no other error."""

    kind: str
    where: str

    async def stamp(self, note: str) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceState:
    """How it stands with one place, as the admin sees it."""

    kind: str
    where: str
    size: int | None = None  # of the newest copy that was made
    at: datetime | None = None  # when it was made
    problem: str = ""  # of the last try; empty: it went well
    problem_since: datetime | None = None
    is_alarm: bool = False  # the log does not continue what lies there


class CheckpointCopies:
    """One of it runs in an installation."""

    def __init__(
        self,
        log: LogReader,
        data_dir: Path,
        clock: Clock,
        *,
        places: Sequence[Place] = (),
        stamper: Stamper | None = None,
        interval_s: float = 900.0,
        first_wait_s: float = 1.0,
    ) -> None:
        self._log = log
        self._data_dir = data_dir
        self._clock = clock
        self._places = places
        self._stamper = stamper
        self._interval_s = interval_s
        self._first_wait_s = first_wait_s

    async def run(self) -> None:
        """Until cancelled. With no place named it only says so, once."""
        while True:
            try:
                states = await self.copy_once()
            except OSError as error:  # the copies may be there; only what the admin sees of them is old
                _log.error("couldn't note how the copies went", extra={"why": error.strerror})
                failed = True
            else:
                failed = any(state.problem for state in states)
                if not states:
                    await asyncio.Event().wait()
            await asyncio.sleep(min(RETRY_S, self._interval_s) if failed else self._interval_s)

    async def copy_once(self) -> list[PlaceState]:
        """The newest checkpoint to each place, whatever happens at the others. Raises OSError only for the state."""
        known = {(state.kind, state.where): state for state in read_states(self._data_dir)}
        states: list[PlaceState] = []
        try:
            latest = await asyncio.to_thread(self._latest)
        except StorageError as error:
            states = [
                self._after_failure(_state_of(known, each), str(error))
                for each in (self._stamper, *self._places)
                if each
            ]
        else:
            if self._stamper is not None:
                state, stamp = await self._stamped(_state_of(known, self._stamper), latest)
                states.append(state)
                latest = replace(latest, stamp=stamp)
            states += await asyncio.gather(
                *(self._copied(place, _state_of(known, place), latest) for place in self._places)
            )
        await asyncio.to_thread(_write_states, self._data_dir, states)
        return states

    def _latest(self) -> Copy:
        """By size and not by time: the head that the log would sign over next."""
        note = self._log.latest_checkpoint()
        return Copy(size=int(note.split("\n")[1]), note=note)

    # ---- one place -------------------------------------------------------------------------------------------------

    async def _copied(self, place: Place, state: PlaceState, latest: Copy) -> PlaceState:
        try:
            was_made = await self._trying(lambda: self._check_and_put(place, state, latest))
        except DoesNotContinue as error:
            return self._after_failure(state, str(error), is_alarm=error.what in LOST)
        except StorageError as error:
            return self._after_failure(state, str(error), is_alarm=isinstance(error, CopyTaken))
        return self._after_success(state, latest.size, was_made=was_made)

    async def _check_and_put(self, place: Place, state: PlaceState, latest: Copy) -> bool:
        there = await place.newest()
        if there is None and state.size is not None:
            raise CopyFailed(
                f"the copies that were made there are gone; bring them back (is the right disk mounted?), or remove "
                f"{STATE_NAME} from the data directory to begin anew",
                is_lasting=True,
            )
        if there is not None:
            await asyncio.to_thread(continues, self._log, there)
        return await place.put(latest)

    async def _stamped(self, state: PlaceState, latest: Copy) -> tuple[PlaceState, bytes | None]:
        """Kept beside the checkpoint in the data directory too, for a place that is down now."""
        assert self._stamper is not None
        stamper, folder = self._stamper, self._data_dir / "timestamps" / folder_of(self._log)
        kept = folder / f"{latest.size:012d}{STAMP_SUFFIX}"
        try:
            if kept.exists():
                return self._after_success(state, latest.size, was_made=False), await asyncio.to_thread(kept.read_bytes)
            stamp = await self._trying(lambda: stamper.stamp(latest.note))
            await asyncio.to_thread(_keep, kept, latest.note, stamp)
        except OSError as error:
            return self._after_failure(state, f"couldn't keep a timestamp: {error.strerror}; free the disk"), None
        except StorageError as error:
            return self._after_failure(state, str(error)), None
        return self._after_success(state, latest.size, was_made=True), stamp

    async def _trying(self, work: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            return await work()

        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_exponential_jitter(multiplier=self._first_wait_s, jitter=self._first_wait_s, max=10),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, CopyFailed) and not error.is_lasting),
            reraise=True,
        )
        return await retrying(attempt)

    # ---- what the admin sees ---------------------------------------------------------------------------------------

    def _after_success(self, state: PlaceState, size: int, *, was_made: bool) -> PlaceState:
        if was_made or state.size != size:
            state = replace(state, size=size, at=self._clock.now())
            _log.info("checkpoint copied", extra={"kind": state.kind, "size": size})
        return replace(state, problem="", problem_since=None, is_alarm=False)

    def _after_failure(self, state: PlaceState, problem: str, *, is_alarm: bool = False) -> PlaceState:
        extra = {"kind": state.kind, "why": problem}
        if is_alarm:
            _log.error("the log does not continue its published checkpoint", extra=extra)
        elif problem != state.problem:
            _log.warning("checkpoint not copied", extra=extra)
        since = state.problem_since if state.problem else self._clock.now()
        return replace(state, problem=problem, problem_since=since, is_alarm=is_alarm)


async def lost_entries(log: LogReader, places: Iterable[Place]) -> tuple[list[str], list[str]]:
    """For the start of a server: why the log must not go on (its own key says so), and what could not be looked at."""
    lost: list[str] = []
    unseen: list[str] = []
    for place in places:
        try:
            there = await place.newest()
            if there is not None:
                await asyncio.to_thread(continues, log, there)
        except DoesNotContinue as error:
            (lost if error.what in LOST else unseen).append(f"{place.where}: {error}")
        except CopyFailed as error:
            unseen.append(f"{place.where}: {error}")
    return lost, unseen


def newest_name(names: Iterable[str]) -> str | None:
    """Of file names, that of the note of the greatest size."""
    return max((name for name in names if _NAME.fullmatch(name)), default=None)


def folder_of(log: LogReader) -> str:
    """A place may serve several logs; each has a folder of its own there."""
    return "-".join(re.findall(r"[A-Za-z0-9]+", log.origin.rpartition("/log/")[2]))


def read_states(data_dir: Path) -> list[PlaceState]:
    """As last written; empty where no place is named, or no server ran since."""
    try:
        written = json.loads((data_dir / STATE_NAME).read_bytes())
        return [_read_state(each) for each in written["places"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def state_as_json(state: PlaceState) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
        for name, value in asdict(state).items()
    }


def _read_state(written: dict[str, Any]) -> PlaceState:
    times = {name: written[name] and datetime.fromisoformat(written[name]) for name in ("at", "problem_since")}
    return PlaceState(**{**written, **times})


def _write_states(data_dir: Path, states: Sequence[PlaceState]) -> None:
    written = {"places": [state_as_json(state) for state in states]}
    replace_file(data_dir / STATE_NAME, json.dumps(written, indent=1, ensure_ascii=False).encode())


def _state_of(known: dict[tuple[str, str], PlaceState], place: Place | Stamper) -> PlaceState:
    return known.get((place.kind, place.where), PlaceState(kind=place.kind, where=place.where))


def _keep(path: Path, note: str, stamp: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path.with_suffix(NOTE_SUFFIX), note.encode())
    replace_file(path, stamp)
