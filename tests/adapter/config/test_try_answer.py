"""`onrecord try-answer` as a person runs it: the reading, and one clear line where the command line is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.cli import commands
from config.errors import ExitCode
from config.wording import languages
from consent_notice.answers import AnswerContext
from tests.adapter.config.test_cli import run


def try_answer(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(commands, ["try-answer", *arguments], input=stdin)


def reading(arguments: Sequence[str], stdin: str | bytes | None = None) -> str:
    ended = try_answer(*arguments, "--json", stdin=stdin)
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.output)
    assert found.keys() == {"reading", "why"}
    assert found["why"]
    return str(found["reading"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["yes"], "given"),  # with no context given: a threaded reply to the notice
        (["yes", "--language", "en", "--reply-to-notice"], "given"),
        (["tak", "--language", "pl", "--first-within-ask"], "given"),
        (["Запис так", "--language", "uk"], "given"),
        (["sound only"], "sound_only"),
        (["nein", "--language", "de"], "refused"),
        (["no", "--language", "pl"], "none"),
        (["no", "--language", "cs", "--first-within-ask"], "none"),
        (["why?"], "question"),
        (["yes, if Bob agrees"], "unclear"),
        (["hello everybody", "--first-within-ask"], "none"),
        (["-no-"], "refused"),
        (["", "--first-within-ask"], "none"),
        (["--", "--no--"], "refused"),
    ],
)
def test_readings(arguments: list[str], expected: str) -> None:
    flags = ["--json", *arguments] if "--" in arguments else [*arguments, "--json"]
    ended = CliRunner().invoke(commands, ["try-answer", *flags])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.output)["reading"] == expected


def test_a_text_may_come_on_standard_input() -> None:
    assert reading(["-"], "yes\n") == "given"
    assert reading(["-"], "> may I?\r\nno\r\n") == "refused"
    assert reading(["-"], "") == "unclear"
    ended = try_answer("-", stdin=b"\xff\xfe")
    assert ended.exit_code == ExitCode.USAGE
    assert ended.output == "Error: couldn't read the text on standard input: expected UTF-8\n"


def test_without_json_it_is_a_line_to_read() -> None:
    assert try_answer("nope").output == "refused: a bare no as a reply to the notice\n"


def test_a_context_file_says_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "context.json"
    for context, text, expected in (
        ({}, "record yes", "given"),
        ({}, "yes", "none"),
        ({"ms_since_ask": 60_000}, "yes", "given"),
        ({"ms_since_ask": 60_001}, "yes", "none"),
        ({"ms_since_ask": 1, "others_spoke_since_ask": True}, "yes", "none"),
        ({"ms_since_ask": 1, "is_first_since_ask": False}, "yes", "none"),
        ({"ms_since_ask": 1, "replies_to_another": True}, "yes", "none"),
        ({"ms_since_ask": 1, "others_talked_before": True}, "yes", "unclear"),
        ({"replies_to_another": True, "replies_to_line": True}, "no", "refused"),
        ({"replies_to_another": True, "replies_to_line": True}, "yes", "unclear"),
        ({"follows_question": True}, "sound only", "unclear"),
        ({"ms_since_ask": None, "has_given": True}, "stop", "withdrawn"),
        ({"language": "fr", "reply_to_notice": True}, "oui", "given"),
    ):
        file.write_text(json.dumps(context), encoding="utf-8")
        assert reading([text, "--context", str(file)]) == expected, (context, text)


def test_every_field_of_the_context_is_in_the_docs_and_can_be_given(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
    values = {"language": "nl", "ms_since_ask": 5}
    context = {field.name: values.get(field.name, False) for field in fields(AnswerContext)}
    for name in context:
        assert f"| `{name}` |" in page
    file = tmp_path / "context.json"
    file.write_text("\ufeff" + json.dumps(context), encoding="utf-8")
    assert reading(["hallo", "--context", str(file)]) == "none"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"reply": true}', "'reply' is not known; known are language, reply_to_notice, "),
        ('{"has_given": 1}', "has_given is to be true or false, got 1"),
        ('{"ms_since_ask": true}', "ms_since_ask is to be a whole number or null, got true"),
        ('{"ms_since_ask": 1.5}', "ms_since_ask is to be a whole number or null, got 1.5"),
        ('{"language": null}', "language is to be a text, got null"),
        ('{"language": "xx"}', "there is no notice in language 'xx'; there is one in en, cs, de, "),
        ("[]", "expected a JSON object, got list"),
        ("{", "expected a JSON object in UTF-8"),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_context_is_said_in_one_line(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "context.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    ended = try_answer("yes", "--context", str(file))
    assert ended.exit_code == ExitCode.USAGE
    assert words in ended.output
    assert len(ended.output.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--reply-to-notice", "--first-within-ask"],
        ["--reply-to-notice", "--context", "x.json"],
        ["--first-within-ask", "--context", "x.json"],
    ],
)
def test_contexts_exclude_each_other(arguments: list[str]) -> None:
    ended = try_answer("yes", *arguments)
    assert ended.exit_code == ExitCode.USAGE
    assert ended.output.count("\n") == 1
    assert "exclude each other" in ended.output


def test_languages_that_differ_or_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "context.json"
    file.write_text('{"language": "de"}', encoding="utf-8")
    ended = try_answer("ja", "--language", "nl", "--context", str(file))
    assert (ended.exit_code, "differ" in ended.output) == (ExitCode.USAGE, True)
    ended = try_answer("yes", "--language", "xx")
    assert ended.exit_code == ExitCode.USAGE
    assert ended.output == f"Error: there is no notice in language 'xx'; there is one in {', '.join(languages())}\n"
    assert len(languages()) == 10


def test_the_console_script_says_the_same(tmp_path: Path) -> None:
    ended = run(tmp_path, "try-answer", "ні", "--language", "uk", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["reading"]) == (0, "refused")
    ended = run(tmp_path, "try-answer", "yes", "--language", "xx")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.USAGE, "", 1)
