"""Every request that a stand-in of a calendar service saw in a test run, in one file; and which of them law 6 allows.

The run's file is named by an environment variable, so that servers in processes of their own write to it too. A line
holds the service, the method and the shape of the path: no query, no address, nothing that names anybody.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "TEST_REQUEST_LOG"
# What a service calls its own paths: words with no more than a version's digits in them.
_KEPT = re.compile(r"(?=.{0,32}$)[A-Za-z$._-]*(?:\d(?:[._]\d)?[A-Za-z._-]*)?")


@dataclass(frozen=True, slots=True)
class Noted:
    provider: str  # as `storage.calendars` names it
    method: str
    path: str


def begin(file: Path) -> Path | None:
    """A new file for this run, beside `file`; None in a run inside another one, which writes to the outer one's."""
    if VARIABLE in os.environ:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    of_run = file.with_suffix(f".{os.getpid()}{file.suffix}")  # another run may be on
    of_run.write_text("", encoding="utf-8")
    os.environ[VARIABLE] = str(of_run)
    return of_run


def note(provider: str, method: str, path: str) -> None:
    """For a stand-in, at the very beginning of each request; nothing where no run keeps a log."""
    file = os.environ.get(VARIABLE)
    if file is None:
        return
    line = json.dumps(asdict(Noted(provider, method.upper(), shape_of(path)))) + "\n"
    with open(file, "ab", buffering=0) as log:  # noqa: PTH123  one write, so that lines of two processes never mix
        log.write(line.encode())


def note_ran(tests: Iterable[str]) -> None:
    """Which files of tests a run collected: of all runs that write to one log."""
    file = os.environ.get(VARIABLE)
    if file is not None:
        with Path(file).with_suffix(".ran").open("a", encoding="utf-8") as log:
            log.write("".join(f"{test}\n" for test in sorted(set(tests))))


def ran() -> set[str]:
    return set(Path(os.environ[VARIABLE]).with_suffix(".ran").read_text(encoding="utf-8").splitlines())


def shape_of(path: str) -> str:
    """The path with `*` for whatever is an id, an address or a token."""
    parts = path.partition("?")[0].partition("#")[0].split("/")
    return "/".join(part if _KEPT.fullmatch(part) else "*" for part in parts)


def noted(file: Path) -> list[Noted]:
    return [Noted(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


# By service: methods that only read wherever they go, and the others with the paths that they are for: sign-in, and the
# orders to be told of changes.
_READING = {
    "ics": frozenset({"GET"}),
    "caldav": frozenset({"OPTIONS", "PROPFIND", "REPORT", "GET"}),  # RFC 4791, RFC 6578
    "google": frozenset({"GET"}),
    "outlook": frozenset({"GET"}),
}
_BESIDES: dict[str, tuple[tuple[str, str], ...]] = {
    "ics": (),
    "caldav": (),
    "google": (
        # "Using OAuth 2.0 for Web Server Applications"
        ("POST", r"(?:/oauth2)?(?:/v\d)?/token"),
        ("POST", r"(?:/oauth2)?(?:/v\d)?/revoke"),
        # "Push notifications" of the Calendar API
        ("POST", r"/calendar/v3/calendars/[^/]+/events/watch"),
        ("POST", r"/calendar/v3/users/me/calendarList/watch"),
        ("POST", r"/calendar/v3/channels/stop"),
    ),
    "outlook": (
        # "Microsoft identity platform and OAuth 2.0 authorization code flow"
        ("POST", r"/[^/]+/oauth2/v2\.0/token"),
        # "subscription resource type" of Microsoft Graph
        ("POST", r"/v1\.0/subscriptions"),
        ("POST", r"/v1\.0/subscriptions/[^/]+/reauthorize"),
        ("PATCH", r"/v1\.0/subscriptions/[^/]+"),
        ("DELETE", r"/v1\.0/subscriptions/[^/]+"),
    ),
}


def against_law_six(requests: Iterable[Noted]) -> Iterator[Noted]:
    """Those that are neither reading nor sign-in nor an order to be told of changes."""
    for request in requests:
        if request.method in _READING.get(request.provider, ()):
            continue
        rules = _BESIDES.get(request.provider, ())
        if not any(request.method == method and re.fullmatch(path, request.path) for method, path in rules):
            yield request
