"""One request log for the whole run, and the test that reads it comes last."""

from __future__ import annotations

import pytest

from tests.simulators import request_log


def pytest_configure(config: pytest.Config) -> None:
    request_log.begin(config.rootpath / "build" / "requests.jsonl")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name == "test_law_six.py")  # stable: the others keep their order
