"""Hypothesis measures no time here, since the machine that runs the tests may be busy, and draws the same examples in
each run, so that a red one means a change; the nightly sizes draw new ones."""

from __future__ import annotations

import pytest
from hypothesis import settings


def pytest_configure(config: pytest.Config) -> None:
    is_nightly = not config.getoption("markexpr")
    settings.register_profile("onrecord", deadline=None, derandomize=not is_nightly)
    settings.load_profile("onrecord")
