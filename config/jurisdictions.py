"""Reads the table of jurisdictions that lies beside `consent_notice`, which itself may not open files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from consent_notice.jurisdictions import Jurisdictions, read_jurisdictions


@cache
def jurisdictions() -> Jurisdictions:
    """Raises BadJurisdictions: what came with onrecord was changed and is not whole."""
    file = files("consent_notice") / "jurisdictions.toml"
    return read_jurisdictions(tomllib.loads(file.read_text(encoding="utf-8")))
