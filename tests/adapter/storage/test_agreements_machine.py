"""Whatever people say, take back, tie and revoke, over days and restarts: no yes that is not theirs, a whole log."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from consent_notice.ahead import Covers
from consent_notice.words import Purpose
from storage.store import Store
from storage.verify import verify
from tests.adapter.storage.ahead import NO, SERIES, YES, StandUp, always
from tests.adapter.storage.hand_clock import HandClock

DAY_MS = 24 * 3_600_000
PAGES, NAMES, IDS = ["page 1", "page 2", "page 3"], ["Ada", "Bob"], ["id-1", "id-2"]


@dataclass(slots=True)
class Page:
    """What a person would remember of their page."""

    order: int
    name: str
    says_yes: bool
    day: int | None  # of the meeting it is for; None: the series
    until: date
    link: bool
    is_back: bool = False


class Ahead(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        numbers = itertools.count(1)
        self.clock, self.new_id = HandClock(), lambda: f"id{next(numbers):024d}"
        self.open_store()
        self.stand_up = asyncio.run(StandUp.plan(self.store, self.clock))
        link = self.store.personal_links.make(
            self.stand_up.reach(), name="Ada", email="", expires_at=self.clock.now() + timedelta(days=365)
        )
        self.link = asyncio.run(link).reference
        self.pages: dict[str, Page] = {}
        self.ties: dict[str, dict[str, str]] = {}  # by page: platform id, and the name it had
        self.is_revoked = False
        self.orders = itertools.count()

    def open_store(self) -> None:
        self.store = Store.open(Path(self.folder.name) / "data", self.clock, self.new_id)
        self.store.agreements.is_still_valid = always

    def teardown(self) -> None:
        faults = verify(self.store.data_dir).faults
        self.store.close()
        self.folder.cleanup()
        assert faults == []

    @rule(
        page=st.sampled_from(PAGES),
        name=st.sampled_from(NAMES),
        says_yes=st.booleans(),
        day=st.sampled_from([None, None, 0, 1]),
        by_link=st.booleans(),
    )
    def say(self, page: str, name: str, says_yes: bool, day: int | None, by_link: bool) -> None:
        until = self.clock.now().date() + timedelta(days=90 if day is None else 1)
        reach = self.stand_up.reach() if day is None else self.stand_up.reach(Covers.MEETING, day)
        by_link = by_link and page == PAGES[0]
        said = self.stand_up.say(
            YES if says_yes else NO, page, name=name, reach=reach, until=until, link=self.link if by_link else None
        )
        asyncio.run(said)
        self.pages[page] = Page(next(self.orders), name, says_yes, day, until, by_link)

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        page = data.draw(st.sampled_from(sorted(self.pages)))
        before = self.pages[page]
        asyncio.run(self.store.agreements.withdraw(page, f"back {before.order}"))
        if not before.is_back:
            before.is_back, before.order = True, next(self.orders)

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), platform_id=st.sampled_from(IDS), name=st.sampled_from(NAMES))
    def tie(self, data: st.DataObject, platform_id: str, name: str) -> None:
        page = data.draw(st.sampled_from(sorted(self.pages)))
        known = asyncio.run(self.store.agreements.by_page(page))
        assert known is not None
        asyncio.run(self.store.agreements.bind_platform_id(known.id, platform_id, name))
        self.ties.setdefault(page, {}).setdefault(platform_id, name)

    @rule()
    def revoke(self) -> None:
        asyncio.run(self.store.personal_links.revoke(self.stand_up.reach(), self.link))
        self.is_revoked = True

    @rule(days=st.sampled_from([1, 2, 89, 90, 91]))
    def days_pass(self, days: int) -> None:
        self.clock.pass_ms(days * DAY_MS)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.open_store()
        self.stand_up.store = self.store

    @invariant()
    def nobody_is_taken_for_somebody_else(self) -> None:
        today = self.clock.now().date()
        for day, platform_id, name in itertools.product((0, 1), ("", *IDS), NAMES):
            found = asyncio.run(self.store.agreements.find(self.stand_up.meetings[day], SERIES, platform_id, name))
            about = {key: page for key, page in self.pages.items() if page.day in (None, day)}
            own = [key for key in about if platform_id in self.ties.get(key, {})]
            last = max(own, key=lambda key: about[key].order, default=None)
            noes = [
                key
                for key, page in about.items()
                if not page.is_back and not page.says_yes and (today <= page.until or page.day is not None)
            ]
            if found is not None and (Purpose.RECORDING, "give") in found.acts:
                assert last is not None
                page = about[last]
                assert page.says_yes
                assert not page.is_back
                assert today <= page.until
                assert not (page.link and self.is_revoked)
                assert name in (page.name, self.ties[last][platform_id])
                assert not [key for key in noes if about[key].name == name and key not in self.ties]
            elif found is not None:
                assert noes
            if last is None and any(about[key].name == name for key in noes):
                assert found is not None, "a no of that name went unheard"
            if last in noes:
                assert found is not None, "their own no went unheard"


@pytest.mark.parametrize("examples", [12, pytest.param(400, marks=[pytest.mark.nightly, pytest.mark.timeout(1_800)])])
def test_no_yes_is_taken_for_somebody_elses(examples: int) -> None:
    run_state_machine_as_test(
        Ahead,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
