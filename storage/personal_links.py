"""Links for one invitee each: signed, with an end of their own, and taken back by the host at any time.

A link that is forged or has run out is refused by its address alone, before anything is looked up. It says whom the
host meant it for; what was answered under it, and by whom, nobody learns here: `status` is all that a host sees.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, literal, or_, select, update

from consent_notice.ahead import Covers
from consent_notice.clock import Clock
from storage.columns import UtcTime
from storage.database import Database
from storage.errors import LinkForged, LinkOver, NotStored
from storage.invitations import Reach
from storage.schema import agreements, personal_links
from storage.vault import Vault

LONGEST_TOKEN = 200
_LINK, _NAME, _EMAIL = "personal link", "invitee name", "invitee email"
_SIGNATURE_BYTES = 24

Status = Literal["sent", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalLink:
    reference: str  # names it without opening it
    token: str  # secret: the address
    reach: Reach
    name: str  # as the host wrote it; may be empty
    email: str  # the same
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def status(self, now: datetime) -> Status:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if now >= self.expires_at else "sent"


class PersonalLinks:
    """`key`: what the signatures are made with; it outlives a restart."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str], key: bytes) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._key = key

    async def make(self, reach: Reach, *, name: str, email: str, expires_at: datetime) -> PersonalLink:
        link_id = self._new_id()
        key = _hash(link_id)
        expires_at = expires_at.replace(microsecond=0)  # as the address says it
        values = {
            "id_sha256": key,
            "id_sealed": self._vault.seal(_LINK, key.hex(), link_id),
            "host_id": reach.host_id,
            "covers": reach.covers.value,
            "about": reach.about,
            "name_sealed": self._vault.seal(_NAME, key.hex(), name),
            "email_sealed": self._vault.seal(_EMAIL, key.hex(), email),
            "made_at": self._clock.now(),
            "expires_at": expires_at,
        }

        def work(connection: Connection) -> Row[Any]:
            return connection.execute(insert(personal_links).values(values).returning(*personal_links.c)).one()

        return self._link(await self._database.write(work))

    async def get(self, token: str) -> PersonalLink | None:
        """Revoked ones too. Raises LinkForged, LinkOver, without a look at the database."""
        key = _hash(read_token(token, self._key, self._clock.now()))
        query = select(personal_links).where(personal_links.c.id_sha256 == key)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else self._link(row)

    async def list(self, *reaches: Reach) -> list[PersonalLink]:
        """Newest first."""
        which = or_(
            *(
                (personal_links.c.host_id == reach.host_id)
                & (personal_links.c.covers == reach.covers.value)
                & (personal_links.c.about == reach.about)
                for reach in reaches
            )
        )
        query = (
            select(personal_links).where(which).order_by(personal_links.c.made_at.desc(), personal_links.c.id_sha256)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._link(row) for row in rows]

    async def revoke(self, reach: Reach, reference: str) -> None:
        """From here on no yes under it counts; a no does. Safe to repeat. Raises NotStored."""
        change = (
            update(personal_links)
            .where(
                personal_links.c.id_sha256 == _key_of(reference),
                personal_links.c.host_id == reach.host_id,
                personal_links.c.covers == reach.covers.value,
                personal_links.c.about == reach.about,
            )
            .values(revoked_at=func.coalesce(personal_links.c.revoked_at, literal(self._clock.now(), UtcTime())))
        )
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotStored

    async def forget(self, over_before: datetime) -> int:
        """Those that ran out or were revoked before then, and under which nothing is kept any more; how many."""
        used = select(agreements.c.personal_link).where(agreements.c.personal_link.is_not(None))
        change = delete(personal_links).where(
            or_(personal_links.c.expires_at <= over_before, personal_links.c.revoked_at <= over_before),
            personal_links.c.id_sha256.not_in(used),
        )
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    def _link(self, row: Row[Any]) -> PersonalLink:
        reference = row.id_sha256.hex()
        link_id = self._vault.unseal(_LINK, reference, row.id_sealed)
        return PersonalLink(
            reference=reference,
            token=signed_token(link_id, row.expires_at, self._key),
            reach=Reach(host_id=row.host_id, covers=Covers(row.covers), about=row.about),
            name=self._vault.unseal(_NAME, reference, row.name_sealed),
            email=self._vault.unseal(_EMAIL, reference, row.email_sealed),
            made_at=row.made_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )


def signed_token(link_id: str, expires_at: datetime, key: bytes) -> str:
    said = f"{link_id}.{int(expires_at.timestamp()):x}"
    return f"{said}.{_signature(said, key)}"


def read_token(token: str, key: bytes, now: datetime) -> str:
    """The link's id. Raises LinkForged, or LinkOver for one of ours that has run out."""
    said, _, signature = token.rpartition(".")
    if len(token) > LONGEST_TOKEN or not hmac.compare_digest(_bytes(signature), _bytes(_signature(said, key))):
        raise LinkForged
    link_id, _, expiry = said.partition(".")
    if now >= datetime.fromtimestamp(int(expiry, 16), UTC):
        raise LinkOver
    return link_id


def _signature(said: str, key: bytes) -> str:
    own_key = hmac.digest(key, b"onrecord personal links v1", "sha256")
    digest = hmac.digest(own_key, _bytes(said), "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).decode("ascii")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # an address may hold anything


def _key_of(reference: str) -> bytes:
    try:
        return bytes.fromhex(reference)
    except ValueError:
        raise NotStored from None


def _hash(link_id: str) -> bytes:
    return sha256(link_id.encode()).digest()
