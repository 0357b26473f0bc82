"""Where each process writes what happened: JSON lines in the data directory, a terse line on the terminal.

Events carry ids, states and figures; names, titles, links and spoken or written words are never logged.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from storage.data_dir import prepare

FOLDER = "logs"
_FILE_BYTES = 5_000_000
_FILES_KEPT = 4
_OURS = frozenset({"config", "web", "bot", "calendar_sync", "storage", "consent_notice"})
# Vendors that log addresses, chat or SDP below WARNING.
_QUIET = (
    "aiohttp",
    "aioice",
    "aiortc",
    "alembic",
    "apscheduler",
    "asyncio",
    "faster_whisper",
    "httpx",
)
# Vendors that quote answers and addresses in warnings and errors: msal a token response that was cut off, with its
# tokens. What went wrong is told by what they raise.
_UNHEARD = ("google", "googleapiclient", "msal", "urllib3")


def log_path(data_dir: Path, role: str) -> Path:
    return data_dir / FOLDER / f"{role}.log"


def set_up(role: str, data_dir: Path, *, terminal_level: str) -> None:
    """For the whole process; both structlog and the standard library's loggers end here. Raises DataDirUnusable."""
    path = log_path(data_dir, role)
    prepare(data_dir)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    file = RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    file.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _where_it_failed,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(terminal_level.upper())
    terminal.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _Terse(role)],
        )
    )
    root = logging.getLogger()
    root.handlers = [file, terminal]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _UNHEARD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _where_it_failed(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Types and places of an exception and its causes. No local variables, and no message of a vendor's: either may
    hold what somebody said."""
    failure = event.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    if isinstance(failure, tuple):
        failure = failure[1]
    if failure:
        event["exception"] = list(_described(failure))
    return event


def _described(error: BaseException | None) -> Iterator[dict[str, Any]]:
    while error is not None:
        described: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
        if type(error).__module__.partition(".")[0] in _OURS:
            described["message"] = str(error)
        elif isinstance(error, OSError):
            described["message"] = error.strerror
        described["at"] = [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        if isinstance(error, BaseExceptionGroup):
            described["of"] = [next(_described(one)) for one in error.exceptions]
        yield described
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class _Terse:
    """`12:30:01 bots  joined visit=k3…`; a traceback is in the file only."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, _logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
        time = str(event.pop("timestamp", ""))[11:19]
        level = event.pop("level", "info")
        mark = "" if level == "info" else f"{level}: "
        failed = event.pop("exc_info", None)
        for hidden in ("logger", "stack", "exception"):
            event.pop(hidden, None)
        words = [f"{time} {self._role:<10} {mark}{event.pop('event', '')}"]
        words += [f"{name}={value}" for name, value in event.items()]
        if failed:
            words.append(f"(see {self._role}.log)")
        return " ".join(words)
