"""The command `onrecord try-answer`: how the bot would read a text that somebody writes in the chat, and why.

It runs the reader itself, on the phrases that are installed. It records nothing and needs no settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from config.errors import ExitCode
from config.wording import languages, wordings
from consent_notice.answers import AnswerContext, read_answer
from consent_notice.phrases import read_phrases

_DEFAULT_LANGUAGE = "en"
_NOT_ASKED: Mapping[str, Any] = {
    "reply_to_notice": False,
    "ms_since_ask": None,
    "is_first_since_ask": True,
    "others_spoke_since_ask": False,
    "has_given": False,
    "replies_to_another": False,
    "replies_to_line": False,
    "others_talked_before": False,
    "follows_question": False,
}
_REPLY_TO_NOTICE = {**_NOT_ASKED, "reply_to_notice": True}
_FIRST_WITHIN_ASK = {**_NOT_ASKED, "ms_since_ask": 1_000}


@click.command("try-answer", context_settings={"ignore_unknown_options": True})  # a text may begin with a dash
@click.argument("text")
@click.option("--language", help=f"Of the notice; default: that of the context file, or {_DEFAULT_LANGUAGE}.")
@click.option("--reply-to-notice", is_flag=True, help="As a threaded reply to the notice; so it is by default.")
@click.option("--first-within-ask", is_flag=True, help="As that person's first message, right after the ask.")
@click.option(
    "--context",
    "context_file",
    type=click.Path(path_type=Path),
    help="JSON file that says where the message stands; docs/commands.md lists its fields.",
)
@click.option("--json", "as_json", is_flag=True, help='As JSON: {"reading": …, "why": …}.')
def try_answer(
    text: str,
    language: str | None,
    context_file: Path | None,
    *,
    reply_to_notice: bool,
    first_within_ask: bool,
    as_json: bool,
) -> None:
    """Say how TEXT would be read as an answer in the chat ("-": what is on standard input)."""
    if [reply_to_notice, first_within_ask, context_file is not None].count(True) > 1:
        raise _Wrong("--reply-to-notice, --first-within-ask and --context exclude each other; give one of them")
    if context_file is not None:
        given = {**_NOT_ASKED, **_read_context(context_file)}
    else:
        given = _FIRST_WITHIN_ASK if first_within_ask else _REPLY_TO_NOTICE
    context = AnswerContext(**{**given, "language": _language(language, given.get("language"))})
    answer = read_answer(_standard_input() if text == "-" else text, context, read_phrases(wordings().values()))
    if as_json:
        click.echo(json.dumps({"reading": answer.reading, "why": answer.why}, ensure_ascii=False))
    else:
        click.echo(f"{answer.reading}: {answer.why}")


def _language(option: str | None, of_context: str | None) -> str:
    if option is not None and of_context is not None and option != of_context:
        raise _Wrong(f"--language {option} and the context's language {of_context} differ; give one of them")
    language = option or of_context or _DEFAULT_LANGUAGE
    if language not in languages():
        raise _Wrong(f"there is no notice in language {language!r}; there is one in {', '.join(languages())}")
    return language


def _read_context(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _Wrong(f"couldn't read {file}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not JSON
        raise _Wrong(f"couldn't read {file}: expected a JSON object in UTF-8") from error
    if not isinstance(found, dict):
        raise _Wrong(f"couldn't use {file}: expected a JSON object, got {type(found).__name__}")
    known = {field.name: str(field.type) for field in fields(AnswerContext)}
    for name, value in found.items():
        if name not in known:
            raise _Wrong(f"couldn't use {file}: {name!r} is not known; known are {', '.join(known)}")
        # `type(…) is`: to Python, true is a whole number too
        if {"str": str, "bool": bool}.get(known[name], int) is not type(value) and not (
            value is None and "None" in known[name]
        ):
            raise _Wrong(f"couldn't use {file}: {name} is to be {_in_json(known[name])}, got {json.dumps(value)[:40]}")
    return found


def _in_json(type_name: str) -> str:
    return {"str": "a text", "bool": "true or false"}.get(type_name, "a whole number or null")


def _standard_input() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise _Wrong("couldn't read the text on standard input: expected UTF-8") from error
    return text.removesuffix("\n").removesuffix("\r")


class _Wrong(click.ClickException):
    """One line, and the exit code of a wrong command line."""

    exit_code = ExitCode.USAGE
