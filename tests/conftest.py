"""What holds for the whole run: the examples that Hypothesis draws, and one log of all that stand-ins were asked.

Hypothesis measures no time, since the machine that runs the tests may be busy, and draws the same examples in each run,
so that a red one means a change; the nightly sizes draw new ones. The test that reads the log comes last.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from tests.simulators import request_log


def pytest_configure(config: pytest.Config) -> None:
    is_nightly = not config.getoption("markexpr")
    settings.register_profile("onrecord", deadline=None, derandomize=not is_nightly)
    settings.load_profile("onrecord")
    kept = config.rootpath / "build" / "requests.jsonl"
    of_run = request_log.begin(kept)
    if of_run is not None:
        config.add_cleanup(partial(_keep, of_run, kept))


def _keep(of_run: Path, kept: Path) -> None:
    of_run.replace(kept)
    of_run.with_suffix(".ran").unlink(missing_ok=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (config.rootpath / ".venv" / ".without-janus").exists():
        for item in items:
            if item.get_closest_marker("janus"):
                item.add_marker(pytest.mark.skip(reason="this Debian has no package of Janus"))
    items.sort(key=lambda item: item.path.name == "test_law_six.py")  # stable: the others keep their order
    request_log.note_ran(item.path.relative_to(config.rootpath / "tests").as_posix() for item in items)
