"""What the organisation did not state is counted by the article that wants it, and `none` counts as stated."""

from __future__ import annotations

from dataclasses import fields, replace

from consent_notice.information import NOTHING_STATED, Information, LegalBasis, facts_of, is_none, missing, missing_line
from consent_notice.settling import Setting

ALL = Information(
    organisation_address="1 Quay Street, Gdynia",
    representative="none",
    dpo_contact="dpo@example.org",
    recipients="none",
    transfers="none",
    authority="UODO",
    obligatory="nobody has to",
    legal_basis=LegalBasis.CONSENT,
)


def test_everything_that_nobody_stated_is_named_in_the_order_of_the_articles() -> None:
    articles = [item.article for item in missing(NOTHING_STATED)]
    assert articles == ["13(1)(a)", "13(1)(a)", "13(1)(b)", "13(1)(c)", "13(1)(e)", "13(1)(f)", "13(2)(d)", "13(2)(e)"]


def test_each_item_that_is_wanted_is_one_that_can_be_stated() -> None:
    everything = replace(ALL, legal_basis=LegalBasis.LEGITIMATE_INTERESTS, setting=Setting.WORKPLACE)
    names = {field.name for field in fields(Information)}
    wanted = {item.setting for item in missing(replace(NOTHING_STATED, setting=Setting.WORKPLACE))} | {
        item.setting for item in missing(everything)
    }
    assert wanted == names - {"setting"}
    assert all(item.what for item in missing(NOTHING_STATED))


def test_nothing_is_missing_where_all_is_stated_and_none_counts() -> None:
    assert missing(ALL) == ()
    assert is_none(" None ")
    assert not is_none("none of your business")
    assert ALL.said("recipients") == ""
    assert ALL.said("authority") == "UODO"


def test_more_is_wanted_at_work_and_of_legitimate_interests() -> None:
    assert [item.setting for item in missing(replace(ALL, setting=Setting.WORKPLACE))] == ["works_council_agreement"]
    interests = replace(ALL, legal_basis=LegalBasis.LEGITIMATE_INTERESTS)
    assert [item.setting for item in missing(interests)] == ["legitimate_interests"]


def test_whoever_starts_the_server_reads_what_is_missing_in_one_line_or_nothing() -> None:
    line = missing_line(replace(ALL, authority=""))
    assert line.startswith("the notice does not state: authority (art. 13(2)(d)); ")
    assert missing_line(ALL) == ""


def test_only_consent_is_consent() -> None:
    assert {basis for basis in LegalBasis if basis.is_consent} == {LegalBasis.CONSENT, LegalBasis.NOT_DECLARED}


def test_every_item_is_part_of_what_makes_a_version() -> None:
    assert facts_of(ALL).keys() == {field.name for field in fields(Information)}
    assert facts_of(ALL)["legal_basis"] == "consent"
