"""Reads the settings: `onrecord.toml`, then the environment (`ONRECORD_…`), then the command line; the later one wins.

Every problem is reported at once, each with the setting's name, what is wrong and the fix.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigError, ExitCode
from config.settings import ENV_PREFIX, NESTED, Settings, described, fix_for
from consent_notice.information import LegalBasis
from consent_notice.settling import Setting
from consent_notice.words import Rule

FILE_NAME = "onrecord.toml"
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # recognised, to ask for a public address


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    setting: str
    wrong: str
    fix: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.wrong}; {self.fix}"


class SettingsWrong(ConfigError):
    """The settings can't be used. Each line names one, what is wrong and the fix."""

    exit_code = ExitCode.SETTINGS

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(
    *, file: Path | None, environment: Mapping[str, str], overrides: Mapping[str, Any], to_serve: bool = False
) -> Settings:
    """Reads all sources; the later one wins, setting by setting.

    Without `file`, `onrecord.toml` in the working directory is read where there is one. `to_serve` also asks for what
    only a server needs. Raises SettingsWrong with every problem.
    """
    problems: list[Problem] = []
    given = _deep_merge(_deep_merge(_from_file(file, problems), _from_environment(environment, problems)), overrides)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems.extend(_problem(details) for details in found)
        # The rest is judged too, so that one run shows every problem.
        spoilt = {details["loc"][0] for details in found if details["loc"]}
        settings = Settings(**{name: value for name, value in given.items() if name not in spoilt})
    named = {problem.setting for problem in problems}
    problems.extend(problem for problem in _together(settings, to_serve=to_serve) if problem.setting not in named)
    if problems:
        raise SettingsWrong(problems)
    return settings


def _from_file(file: Path | None, problems: list[Problem]) -> dict[str, Any]:
    path = file or Path(FILE_NAME)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is not None:
            problems.append(
                Problem(setting=str(path), wrong="there is no such file", fix="check the path after --config")
            )
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(
            Problem(setting=str(path), wrong=f"can't be read: {why}", fix="make it a text file that you may read")
        )
    except tomllib.TOMLDecodeError as error:
        problems.append(
            Problem(
                setting=str(path), wrong=f"is not TOML: {error}", fix='write lines like: organisation = "Example Ltd"'
            )
        )
    return {}


def _from_environment(environment: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """`ONRECORD_TRANSCRIPTION__MODEL` is `transcription.model`; an empty variable counts as not set."""
    known = {f"{ENV_PREFIX}{name.replace('.', NESTED)}".upper(): name for name, _ in described()}
    given: dict[str, Any] = {}
    for variable, value in sorted(environment.items()):
        if variable in known and value:
            *tables, name = known[variable].split(".")
            table = given
            for above in tables:
                table = table.setdefault(above, {})
            table[name] = value
        elif variable.startswith(ENV_PREFIX) and variable not in known:
            problems.append(Problem(setting=variable, wrong="is no setting", fix=_did_you_mean(variable, known)))
    return given


def _problem(details: ErrorDetails) -> Problem:
    name = ".".join(str(part) for part in details["loc"]) or "settings"
    fields = dict(described()) | Settings.model_fields
    if details["type"] == "extra_forbidden":
        return Problem(setting=name, wrong="is no setting", fix=_did_you_mean(name, fields))
    wrong = details["msg"].removeprefix("Value error, ")
    got = "" if name.endswith("password") else f" (got {_shown(details['input'])})"
    wrong = f"{wrong[:1].lower()}{wrong[1:]}{got}"
    return Problem(setting=name, wrong=wrong, fix=fix_for(fields.get(name)))


def _together(settings: Settings, *, to_serve: bool) -> Iterator[Problem]:
    """What no single setting can know."""
    for rule, is_allowed in (
        (Rule.EACH_VOICE, settings.each_voice_allowed),
        (Rule.PRESENTERS, settings.presenters_allowed),
    ):
        if settings.default_rule is rule and not is_allowed:
            fix = f"set {rule.value}_allowed = true, or use everyone"
            yield Problem(setting="default_rule", wrong=f"{rule.value} is not allowed here", fix=fix)
    if (settings.host, settings.web_port) == (settings.practice_host, settings.practice_port):
        yield Problem(setting="practice_port", wrong="is the same as web_port", fix="give it a port of its own")
    for name, url in (("public_url", settings.public_url), ("practice_url", settings.practice_url)):
        if urlsplit(url).hostname in _ANY_ADDRESS:
            fix = "give the address that people's browsers open"
            yield Problem(setting=name, wrong=f"nobody can open {url}", fix=fix)
    yield from _about_copies(settings)
    yield from _about_mail(settings)
    if to_serve:
        for name in ("organisation", "organisation_contact"):
            if not str(getattr(settings, name)).strip():
                fix = fix_for(Settings.model_fields[name])
                yield Problem(setting=name, wrong="is missing, and every notice says it", fix=fix)
        yield from _undeclared(settings)


def _undeclared(settings: Settings) -> Iterator[Problem]:
    """What an admin has to declare, since nobody can guess it."""
    basis, fields = settings.notice.legal_basis, type(settings.notice).model_fields
    if settings.profile is Setting.WORKPLACE and not basis:
        fix = fix_for(fields["legal_basis"])
        yield Problem(setting="notice.legal_basis", wrong="is missing, and a workplace has to declare it", fix=fix)
    if basis is LegalBasis.LEGITIMATE_INTERESTS and not settings.notice.legitimate_interests.strip():
        fix = "say which interests, as everybody may read it"
        yield Problem(setting="notice.legitimate_interests", wrong="is missing, and is the legal basis", fix=fix)


def _about_copies(settings: Settings) -> Iterator[Problem]:
    copies = settings.checkpoints
    if (copies.s3_prefix or copies.s3_endpoint or copies.s3_region) and not copies.s3_bucket:
        fix = "name the bucket, or leave the other s3 settings out"
        yield Problem(setting="checkpoints.s3_bucket", wrong="is missing", fix=fix)
    if copies.rfc3161_roots is not None and not copies.rfc3161_url:
        fix = "give the service's address, or leave its certificates out"
        yield Problem(setting="checkpoints.rfc3161_url", wrong="is missing", fix=fix)
    if copies.folder is not None and copies.folder.is_relative_to(settings.data_dir):
        fix = "give a folder on another disk or machine"
        yield Problem(setting="checkpoints.folder", wrong="lies in the data directory", fix=fix)


def _about_mail(settings: Settings) -> Iterator[Problem]:
    mail = settings.mail
    if mail.host and not re.fullmatch(r"[^@\s]+@[^@\s]+", mail.sender):
        yield Problem(setting="mail.sender", wrong="is no mail address", fix=_fix_of("mail.sender"))
    if mail.security == "none" and (mail.user or mail.password):
        fix = 'use "starttls" or "tls", or a server that needs no sign-in'
        yield Problem(setting="mail.security", wrong="a password would be sent in the clear", fix=fix)


def _fix_of(name: str) -> str:
    return fix_for(dict(described())[name])


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "remove it (docs/settings.md lists all)"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _deep_merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = _deep_merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
