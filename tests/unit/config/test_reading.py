"""Every problem is told at once, by the setting's name, with the fix; the later source wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from config.reading import Problem, SettingsWrong, load
from config.settings import Settings
from consent_notice.words import Rule


def read(environment: Mapping[str, str] | None = None, *, to_serve: bool = False, **overrides: Any) -> Settings:
    return load(file=None, environment=environment or {}, overrides=overrides, to_serve=to_serve)


def problems_of(environment: Mapping[str, str] | None = None, **overrides: Any) -> dict[str, Problem]:
    with pytest.raises(SettingsWrong) as caught:
        read(environment, **overrides)
    return {problem.setting: problem for problem in caught.value.problems}


def test_nothing_given_gives_the_defaults() -> None:
    settings = read()
    assert settings.public_url == "http://127.0.0.1:8480"
    assert settings.practice_url == "http://127.0.0.1:8481"
    assert settings.default_rule is Rule.EVERYONE
    assert settings.data_dir == Path("onrecord-data").absolute()
    assert not settings.each_voice_allowed
    assert not settings.presenters_allowed
    assert not settings.attestation_allowed


def test_the_environment_reaches_into_tables_and_an_empty_variable_is_not_set() -> None:
    settings = read(
        {"ONRECORD_TRANSCRIPTION__MODEL": "tiny.en", "ONRECORD_WEB_PORT": "9000", "ONRECORD_HOST": "", "PATH": "/bin"}
    )
    assert settings.transcription.model == "tiny.en"
    assert settings.transcription.enabled
    assert settings.public_url == "http://127.0.0.1:9000"


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    assert read({"ONRECORD_DATA_DIR": "/elsewhere"}, data_dir=tmp_path).data_dir == tmp_path


def test_all_problems_come_at_once_each_with_its_fix() -> None:
    problems = problems_of(
        {
            "ONRECORD_WEB_PORT": "99999",
            "ONRECORD_GRACE_S": "soon",
            "ONRECORD_TRANSCRIPTION__MODEL": "huge",
            "ONRECORD_ORGANISATOIN": "Example Ltd",
            "ONRECORD_DEFAULT_RULE": "each_voice",
        },
        to_serve=True,
    )
    assert set(problems) == {
        "web_port",
        "grace_s",
        "transcription.model",
        "ONRECORD_ORGANISATOIN",
        "default_rule",
        "organisation",
        "organisation_contact",
    }
    assert problems["ONRECORD_ORGANISATOIN"].fix == "did you mean ONRECORD_ORGANISATION?"
    assert str(problems["web_port"]).endswith("(got '99999'); give a free port between 1 and 65535")
    assert all(problem.fix and "docs/settings.md" not in problem.fix for problem in problems.values())


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"host": "0.0.0.0"}, "public_url"),
        ({"practice_host": "::"}, "practice_url"),
        ({"practice_port": 8480}, "practice_port"),
        ({"public_url": "meet.example.org"}, "public_url"),
        ({"public_url": "https://example.org/?a=1"}, "public_url"),
        ({"default_rule": "presenters"}, "default_rule"),
        ({"default_language": "tlh"}, "default_language"),
        ({"bot_name": ""}, "bot_name"),
        ({"retention_days": 0}, "retention_days"),
        ({"transcription": {"model_path": "/nowhere/at/all"}}, "transcription.model_path"),
        ({"transcription": "no"}, "transcription"),
        ({"transcription": {"modle": "base"}}, "transcription.modle"),
        ({"checkpoints": {"interval_s": 1}}, "checkpoints.interval_s"),
        ({"checkpoints": {"s3_endpoint": "s3.example.org", "s3_bucket": "b"}}, "checkpoints.s3_endpoint"),
        ({"checkpoints": {"s3_prefix": "onrecord"}}, "checkpoints.s3_bucket"),
        ({"checkpoints": {"rfc3161_url": "ftp://tsa.example.org"}}, "checkpoints.rfc3161_url"),
        ({"checkpoints": {"rfc3161_url": "http://tsa", "rfc3161_roots": "/nowhere"}}, "checkpoints.rfc3161_roots"),
        ({"checkpoints": {"rfc3161_url": "http://tsa", "rfc3161_roots": __file__}}, "checkpoints.rfc3161_roots"),
        ({"data_dir": "data", "checkpoints": {"folder": "data/copies"}}, "checkpoints.folder"),
        ({"mail": {"host": "mail.example.org"}}, "mail.sender"),
        ({"mail": {"host": "mail.example.org", "sender": "onrecord"}}, "mail.sender"),
        ({"mail": {"security": "ssl"}}, "mail.security"),
        ({"mail": {"security": "none", "password": "x"}}, "mail.security"),
        ({"mail": {"port": 0}}, "mail.port"),
    ],
)
def test_a_value_that_can_not_work_is_named(given: dict[str, Any], setting: str) -> None:
    assert list(problems_of(**given)) == [setting]


def test_copies_are_off_until_a_place_is_named() -> None:
    assert read().checkpoints.folder is None
    settings = read({"ONRECORD_CHECKPOINTS__FOLDER": "copies", "ONRECORD_CHECKPOINTS__S3_BUCKET": "bucket"})
    assert settings.checkpoints.folder == Path("copies").absolute()
    assert settings.checkpoints.s3_bucket == "bucket"


@pytest.mark.parametrize("rule", [Rule.EACH_VOICE, Rule.PRESENTERS])
def test_a_looser_rule_works_where_it_is_allowed(rule: Rule) -> None:
    environment = {f"ONRECORD_{rule.value.upper()}_ALLOWED": "true", "ONRECORD_DEFAULT_RULE": rule.value}
    assert read(environment).default_rule is rule


def test_allowed_means_the_value_and_not_that_it_was_written() -> None:
    environment = {"ONRECORD_EACH_VOICE_ALLOWED": "false", "ONRECORD_DEFAULT_RULE": "each_voice"}
    assert list(problems_of(environment)) == ["default_rule"]


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(str(problems_of(default_language="x" * 5000)["default_language"])) < 200


@pytest.mark.parametrize(("given", "kept"), [("pl", "PL"), (" us-ca ", "US-CA"), ("AU", "AU"), ("GR", "GR")])
def test_a_place_is_a_code_of_the_table(given: str, kept: str) -> None:
    settings = read({"ONRECORD_HOST_LOCATION": given, "ONRECORD_BOT_LOCATION": given})
    assert (settings.host_location, settings.bot_location) == (kept, kept)


@pytest.mark.parametrize("given", ["Poland", "US-ZZ", "XX", "EEA", "*"])
def test_a_place_that_the_table_does_not_know_is_a_problem_with_its_fix(given: str) -> None:
    problem = problems_of({"ONRECORD_HOST_LOCATION": given})["host_location"]
    assert "US-CA" in problem.fix


def test_a_workplace_has_to_declare_its_legal_basis_and_its_interests_before_it_serves() -> None:
    who = {"organisation": "Example Ltd", "organisation_contact": "privacy@example.org"}
    problems = problems_of({"ONRECORD_PROFILE": "workplace"}, **who, to_serve=True)
    assert set(problems) == {"notice.legal_basis"}
    assert "consent, contract" in problems["notice.legal_basis"].fix
    interests = {"ONRECORD_NOTICE__LEGAL_BASIS": "legitimate_interests"}
    assert set(problems_of(interests, **who, to_serve=True)) == {"notice.legitimate_interests"}
    assert read({"ONRECORD_PROFILE": "workplace"}).profile.value == "workplace"  # `verify` and `status` still work
    declared = {**interests, "ONRECORD_NOTICE__LEGITIMATE_INTERESTS": "minutes", "ONRECORD_PROFILE": "workplace"}
    assert read(declared, **who, to_serve=True).notice.legitimate_interests == "minutes"


def test_a_statement_that_is_too_long_and_a_basis_that_there_is_not_are_problems() -> None:
    problems = problems_of({"ONRECORD_NOTICE__AUTHORITY": "x" * 601, "ONRECORD_NOTICE__LEGAL_BASIS": "habit"})
    assert set(problems) == {"notice.authority", "notice.legal_basis"}
    assert "600 characters" in problems["notice.authority"].fix


def test_a_password_is_never_in_a_message() -> None:
    problem = problems_of(mail={"password": 12345678})["mail.password"]
    assert "12345678" not in str(problem)
    settings = read(
        {"ONRECORD_MAIL__PASSWORD": "correct horse", "ONRECORD_MAIL__HOST": "m", "ONRECORD_MAIL__SENDER": "a@b.c"}
    )
    assert settings.mail.password == "correct horse"
    assert "horse" not in repr(settings)
