"""What a `Settings` promises by itself."""

from __future__ import annotations

from dataclasses import fields

import pytest
from pydantic import ValidationError

from config.settings import NoticeStatements, Settings, Transcription, described, fix_for, information_of
from consent_notice.information import Information, LegalBasis
from consent_notice.settling import Setting


def test_it_survives_the_way_through_a_pipe() -> None:
    settings = Settings(organisation="Żółw Ltd", host="::1", transcription=Transcription(model="tiny.en"))
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.public_url == "http://[::1]:8480"


def test_what_the_notice_states_comes_from_its_table_and_the_profile() -> None:
    settings = Settings(
        profile=Setting.WORKPLACE, notice=NoticeStatements(authority="UODO", legal_basis=LegalBasis.CONTRACT)
    )
    information = information_of(settings)
    assert (information.authority, information.legal_basis) == ("UODO", LegalBasis.CONTRACT)
    assert information.setting is Setting.WORKPLACE
    assert {field.name for field in fields(Information)} == {*NoticeStatements.model_fields, "setting"}


def test_it_can_not_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(Settings(), "grace_s", 1)  # noqa: B010  # mypy knows, the running program must too


def test_every_setting_says_what_it_is_and_what_to_do_when_it_is_wrong() -> None:
    for name, field in described():
        assert field.description, name
        assert fix_for(field) != "see docs/settings.md", name
