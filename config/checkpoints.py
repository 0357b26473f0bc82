"""Builds the places where copies of checkpoints go, and looks into them before a server starts."""

from __future__ import annotations

import asyncio

from config.errors import LogLost
from config.settings import Settings
from consent_notice.clock import Clock
from storage.copies import CheckpointCopies, Place, Stamper, folder_of, lost_entries
from storage.log_reader import LogReader, open_log

LOOK_LIMIT_S = 20.0  # a server does not wait longer for a place that hangs


def copier(settings: Settings, log: LogReader, clock: Clock) -> CheckpointCopies:
    return CheckpointCopies(
        log,
        settings.data_dir,
        clock,
        places=places_of(settings, log),
        stamper=_stamper_of(settings),
        interval_s=settings.checkpoints.interval_s,
    )


async def check_before_start(settings: Settings) -> list[str]:
    """What could not be looked at, a line each. Raises LogLost where a copy shows that entries are missing here.

    So that a backup that was put back is not signed on with the same name: nothing of the server runs yet.
    """
    with open_log(settings.data_dir) as log:
        try:
            async with asyncio.timeout(LOOK_LIMIT_S):
                lost, unseen = await lost_entries(log, places_of(settings, log))
        except TimeoutError:
            return ["a place did not answer in time; the log page says when it does"]
    if lost:
        raise LogLost(lost)
    return unseen


def places_of(settings: Settings, log: LogReader) -> list[Place]:
    chosen, folder = settings.checkpoints, folder_of(log)
    places: list[Place] = []
    if chosen.folder is not None:
        from storage.folder_copies import FolderPlace

        places.append(FolderPlace(chosen.folder, folder))
    if chosen.s3_bucket:
        from storage.bucket_copies import BucketPlace

        places.append(
            BucketPlace(
                chosen.s3_bucket,
                folder,
                prefix=chosen.s3_prefix,
                endpoint=chosen.s3_endpoint,
                region=chosen.s3_region,
            )
        )
    return places


def _stamper_of(settings: Settings) -> Stamper | None:
    chosen = settings.checkpoints
    if not chosen.rfc3161_url:
        return None
    from storage.timestamps import TimestampService

    return TimestampService(
        chosen.rfc3161_url, chosen.rfc3161_roots.read_bytes() if chosen.rfc3161_roots is not None else b""
    )
