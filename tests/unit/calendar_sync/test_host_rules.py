"""Which titles and which people a host's rules mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_sync.host_rules import (
    HostWishes,
    ascii_domain,
    inside_domains,
    means_everything,
    says_nothing,
    wishes_of,
    words_of,
)
from storage.host_rules import HostRules


def never(*phrases: str) -> HostWishes:
    return wishes_of(HostRules(never_titled=phrases), "ann@example.org")


def only_from(*domains: str, host: str = "ann@example.org") -> HostWishes:
    return wishes_of(HostRules(never_with_outsiders=True, own_domains=domains), host)


@pytest.mark.parametrize(
    ("phrase", "title"),
    [
        ("HR", "HR"),
        ("hr", "Weekly (HR)"),
        ("HR", "hr: salaries"),
        ("1:1", "Ann / Ben 1:1"),
        ("1:1", "1-1 with Ben"),
        ("job interview", "Job  Interview, second round"),
        ("ocena roczna", "OCENA ROCZNA: Łukasz"),
        ("rozmowa o prace", "Rozmowa o pracę"),
        ("ŁĄCZNIK", "lacznik"),
        ("Straße", "Hauptversammlung STRASSE"),
        ("Überprüfung", "überprufung"),
        ("Überprüfung", "U\u0308berpru\u0308fung"),  # the same letters, taken apart
        ("secret", "se\u200bcr\u00adet"),  # invisible characters hide no word
        ("secret", "\uff33\uff25\uff23\uff32\uff25\uff34"),  # full-width letters
        ("interview*", "Interviews"),
        ("*view", "Interview"),
        ("inter*w", "interview"),
        ("i*t*v*w", "interview"),
        ("* only", "Board only"),
        ("\U0001f512", "\U0001f512 Budget"),
        ("\U0001f512", "Budget\U0001f512"),
        ("C++", "C++ guild"),
        ("\u9762\u63a5", "\u9762\u63a5"),
        ("*\u9762\u63a5*", "\u63a1\u7528\u9762\u63a5\u7b2c\u4e8c\u56de"),
    ],
)
def test_a_title_that_is_meant(phrase: str, title: str) -> None:
    assert never("something else", phrase).bar_title(title)


@pytest.mark.parametrize(
    ("phrase", "title"),
    [
        ("HR", "Three"),
        ("HR", "CHRO weekly"),
        ("HR", "H R"),
        ("interview", "interviews"),
        ("job interview", "job fair and interview"),
        ("job interview", "interview job"),
        ("inter*w", "inter w"),  # a star stays within its word
        ("ab*ba", "aba"),
        ("a*b*c", "acb"),
        ("C++", "C guild"),
        ("\U0001f512", "Budget \U0001f513"),
        ("HR", ""),
    ],
)
def test_a_title_that_is_not_meant(phrase: str, title: str) -> None:
    assert not never(phrase).bar_title(title)


def test_no_rule_bars_no_title() -> None:
    assert not HostWishes().bar_title("HR")
    assert not never("", "  ", "!?").bar_title("!?")


@given(st.text(alphabet="ab*", max_size=12), st.text(alphabet="ab", max_size=12))
def test_stars_mean_what_they_mean_in_names_of_files(phrase: str, title: str) -> None:
    from fnmatch import fnmatchcase

    expected = bool(phrase) and bool(title) and fnmatchcase(title, phrase)
    assert never(phrase).bar_title(title) == expected


@given(st.text(max_size=40))
def test_a_title_is_meant_by_itself_and_by_each_of_its_words(title: str) -> None:
    words = words_of(title)
    assert never(title.replace("*", " ")).bar_title(title) == bool(words)
    assert all(never(word).bar_title(title) for word in words)


def test_phrases_that_mean_all_or_nothing_are_told_apart() -> None:
    assert [means_everything(phrase) for phrase in ("*", "* **", "a*", "", "!")] == [True, True, False, False, False]
    assert [says_nothing(phrase) for phrase in ("", "!?", "*", "a")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("domains", "barred"),
    [
        (set(), False),
        ({"example.org"}, False),
        ({"EXAMPLE.ORG."}, False),
        ({"example.org", "group.example"}, False),
        ({"example.org", "elsewhere.example"}, True),
        ({"sub.example.org"}, True),  # may be anybody's: the host lists it
        ({"example.org.evil.example"}, True),
        ({"ex\u0430mple.org"}, True),  # a Cyrillic letter
        ({""}, True),  # nobody knows who that is
        ({"b@example.org"}, True),
        ({"b\u00fccher.example"}, False),
        ({"xn--bcher-kva.example"}, False),
        ({"resource.calendar.google.com"}, False),
    ],
)
def test_who_is_from_outside(domains: set[str], barred: bool) -> None:
    wishes = only_from("group.example", "B\u00fccher.example")
    assert wishes.bar_people(domains) is barred
    assert not never("x").bar_people(domains)


def test_of_a_public_mail_service_nobody_else_is_inside_unless_the_host_says_so() -> None:
    assert only_from(host="ann@gmail.com").bar_people({"gmail.com"})
    assert not only_from("gmail.com", host="ann@gmail.com").bar_people({"gmail.com"})
    assert inside_domains(HostRules(own_domains=("acme.example",)), "ann@web.de") == ["acme.example"]


@pytest.mark.parametrize("domain", ["", ".", "a" * 70 + ".example", "\u00fc\u200d.example", "a..b"])
def test_what_is_no_domain_is_no_error(domain: str) -> None:
    assert isinstance(ascii_domain(domain), str)


def test_another_rule_or_another_address_is_another_mark() -> None:
    rules = [HostRules(), HostRules(never_titled=("a",)), HostRules(never_with_outsiders=True)]
    marks = {wishes_of(rule, address).mark for rule in rules for address in ("a@x.example", "a@y.example")}
    assert len(marks) == 6
