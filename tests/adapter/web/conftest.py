"""One running site a test, with two hosts and an admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.users import User
from tests.simulators.web_site import Site, open_site


@dataclass
class People:
    ingrid: User
    omar: User
    admin: User


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def people(site: Site) -> People:
    return People(
        ingrid=await site.person("host", "Ingrid Solberg", "ingrid@example.org"),
        omar=await site.person("host", "Omar Haddad", "omar@example.org"),
        admin=await site.person("admin", "Marek Nowak", "marek@example.org"),
    )
