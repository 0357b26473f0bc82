"""The docs say what the code has: every setting, error, command, option, exit code and decision."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from config.cli import commands
from config.errors import ExitCode
from config.settings import Settings, described
from web.checker import FILE_NAME, checker_page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "scripts"))

import reference  # noqa: E402

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
# Claims that nobody can keep (and the README says what is proven instead).
NEVER_CLAIMED = ("GDPR-compliant", "HIPAA", "fully compliant", "is compliant", "anonymous", "erased everywhere")


def _commands_of(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that can be run, by all of its words; a group alone does nothing."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands_of(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == reference.settings_page(), "run: make docs"


def test_every_error_is_in_the_docs_with_what_to_do() -> None:
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == reference.errors_page(), "run: make docs"


def test_the_page_that_checks_receipts_is_the_one_that_is_served() -> None:
    assert (DOCS / FILE_NAME).read_text(encoding="utf-8") == checker_page(), "run: make docs"


def test_every_error_says_what_it_means() -> None:
    for error in reference.error_classes():
        assert "__doc__" in vars(error), f"{error.__module__}.{error.__qualname__} has no docstring of its own"
        assert error.__doc__, error


@pytest.mark.parametrize("name", sorted(name for name, _ in _commands_of(commands)))
def test_every_command_and_option_is_in_the_docs(name: str) -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert f"## `onrecord {name}" in text
    about = text.partition(f"## `onrecord {name}")[2].partition("\n## ")[0]
    everywhere = text.partition("## Options of all but")[2]
    for parameter in dict(_commands_of(commands))[name].params:
        if isinstance(parameter, click.Option):
            assert any(f"`{option}" in about + everywhere for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_is_in_the_docs(code: ExitCode) -> None:
    assert f"| {code.value} |" in (DOCS / "commands.md").read_text(encoding="utf-8")


def test_the_example_settings_are_good() -> None:
    for page in (DOCS / "settings.md", DOCS / "getting-started.md"):
        for example in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            Settings(**tomllib.loads(re.sub(r"^ +", "", example, flags=re.MULTILINE)))


def test_settings_named_in_the_docs_exist() -> None:
    known = {name for name, _ in described()} | {name.split(".")[0] for name, _ in described()}
    for page in PAGES:
        for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.read_text(encoding="utf-8")):
            is_setting_like = word.endswith(("_s", "_days", "_url", "_port", "_host", "_allowed", "_dir"))
            assert not is_setting_like or word in known, f"{page.name}: {word}"


def test_make_targets_named_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^\$ |`|^\d\. `)make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert set(named) <= targets, page.name


def test_every_link_inside_the_project_leads_somewhere() -> None:
    for page in PAGES:
        for target in _links(page):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_every_decision_has_its_parts_and_a_number_of_its_own() -> None:
    decisions = sorted((DOCS / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        for heading in ("## Context", "## Options", "## Decision", "## Cost"):
            assert heading in text, f"{path.name}: {heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_is_claimed_that_nobody_can_keep(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    assert not [claim for claim in NEVER_CLAIMED if claim.lower() in text]


def test_the_version_is_one() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["version"] == version("onrecord")


def _links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            yield target
