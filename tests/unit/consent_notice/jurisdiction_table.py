"""The table as it ships, for the tests of what is made of it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from consent_notice.finding import Place, Source, Whose
from consent_notice.jurisdictions import read_jurisdictions

TEXT = files("consent_notice").joinpath("jurisdictions.toml").read_text("utf-8")
RAW: dict[str, Any] = tomllib.loads(TEXT)
TABLE = read_jurisdictions(RAW)


def host(code: str) -> Place:
    return place(Whose.HOST, code, Source.PROFILE)


def participant(code: str) -> Place:
    return place(Whose.PARTICIPANT, code, Source.DECLARED)


def bot(code: str) -> Place:
    return place(Whose.BOT, code, Source.SETTING)


def place(whose: Whose, code: str, source: Source) -> Place:
    return Place(whose=whose, source=source if code else Source.UNKNOWN, code=code)
