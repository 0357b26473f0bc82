"""Reads the notice texts that lie beside `consent_notice`, which itself may not open files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_FOLDER = files("consent_notice") / "wording"


@cache
def languages() -> tuple[str, ...]:
    """Languages that have a notice, English first."""
    names = {entry.name.removesuffix(".toml") for entry in _FOLDER.iterdir() if entry.name.endswith(".toml")}
    return tuple(sorted(names, key=lambda name: (name != "en", name)))


@cache
def wordings() -> Mapping[str, Mapping[str, Any]]:
    """Every wording by language, as `consent_notice.notice` reads it."""
    return {name: tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in languages()}
