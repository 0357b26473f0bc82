"""Copies of checkpoints in an S3 bucket; the only importer of obstore.

Credentials come from where obstore looks for them: the `AWS_…` variables of the environment, or the machine's role.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from storage.copies import Copy, CopyFailed, CopyTaken, newest_name

if TYPE_CHECKING:
    from obstore.store import S3Config

_TIMEOUT = timedelta(seconds=15)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_CODE = re.compile(r"<Code>(\w+)</Code>(?:<Message>([^<]*)</Message>)?")
_STATUS = re.compile(r"status code: (\d{3})")
_MAX_NOTE_BYTES = 65_536
# Where Amazon's machines, containers and pods get theirs: asked only where the environment holds none.
_MACHINE_ROLES = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "sts.")


class BucketPlace:
    """Implements `storage.copies.Place`."""

    kind = "bucket"

    def __init__(self, bucket: str, log_folder: str, *, prefix: str = "", endpoint: str = "", region: str = "") -> None:
        path = "/".join(part for part in (*prefix.split("/"), log_folder) if part)
        self.where = f"s3://{bucket}/{path}" + (f" at {endpoint}" if endpoint else "")
        self._after: str | None = None  # what was seen last: only what lies behind it is listed again
        config: S3Config = {"region": region or "us-east-1"}
        if endpoint:
            config["endpoint"] = endpoint
        self._store = S3Store(
            bucket,
            prefix=path,
            config=config,
            client_options={
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 0, "retry_timeout": _TIMEOUT},  # the copier tries again, and says so
        )

    async def newest(self) -> str | None:
        async with _translated("couldn't look into the bucket"):
            name = newest_name([name async for name in self._names()]) or self._after
            if name is None:
                return None
            self._after = name
            try:
                found = await obstore.get_async(self._store, name)
            except FileNotFoundError:  # taken away since: look again from the beginning
                self._after = None
                return None
            content = bytes(await found.bytes_async())
            return content[: _MAX_NOTE_BYTES + 1].decode("utf-8", "replace")

    async def put(self, copy: Copy) -> bool:
        async with _translated("couldn't write a copy into the bucket"):
            made = [await self._add(name, content) for name, content in copy.files().items()]
            return any(made)

    async def _names(self) -> AsyncIterator[str]:
        async for chunk in obstore.list(self._store, offset=self._after):
            for found in chunk:
                yield found["path"]

    async def _add(self, name: str, content: bytes) -> bool:
        try:
            await obstore.put_async(self._store, name, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            found = await obstore.get_async(self._store, name)
            if bytes(await found.bytes_async()) != content:
                raise CopyTaken from None
            return False
        return True


@asynccontextmanager
async def _translated(failed: str) -> AsyncIterator[None]:
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise CopyFailed(f"{failed}: {_why(error)}", is_lasting=_is_lasting(error)) from error


def _why(error: Exception) -> str:
    """In one line, of what the server said; the whole text holds requests and stacks."""
    text = str(error)
    said, status = _CODE.search(text), _STATUS.search(text)
    if any(address in text for address in _MACHINE_ROLES):
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
    if said is not None:
        detail = f" ({said[2]})" if said[2] else ""
        return f"the server answered {said[1]}{detail}; check bucket, rights and credentials"
    if status is not None:
        return f"the server answered {status[1]}; look at it"
    if "connect" in text.lower() or "sending request" in text:
        return "the server can't be reached; check the endpoint, the network and whether it runs"
    return f"{type(error).__name__}; check endpoint and credentials"


def _is_lasting(error: Exception) -> bool:
    status = _STATUS.search(str(error))
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | FileNotFoundError):
        return True
    return status is not None and status[1].startswith("4") and status[1] not in ("408", "429")
