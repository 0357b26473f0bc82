"""The shape of the project: arrows between packages, whose packages are imported, which test belongs to which module.

Each contract of import-linter is shown to catch a break that is planted in a copy of the source.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "web", "bot", "calendar_sync", "storage", "consent_notice")
LONGEST_FILE = 400
LARGEST_FILE_BYTES = 400_000

# All that consent_notice may import. A new line here is a decision: nothing of these touches the world.
PURE = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "enum", "fractions",
    "functools", "hashlib", "hmac", "html", "itertools", "json", "math", "operator", "re", "string", "struct",
    "textwrap", "types", "typing", "unicodedata", "consent_notice",
}  # fmt: skip

# Modules that hold types and constants and decide nothing.
NOTHING_TO_TEST = {
    "bot.books",
    "bot.browser.script",
    "bot.commands",
    "bot.ports",
    "calendar_sync.accounts",
    "calendar_sync.errors",
    "consent_notice.clock",
    "consent_notice.receipt_style",
    "consent_notice.words",
    "storage.columns",
    "storage.errors",
    "storage.meeting_rows",
    "storage.schema",
    "web.services",
    "web.settings",
}

# Modules that have no test file named for them, and the one that shows that they work.
SHOWN_BY = {
    "bot.acts": "tests/unit/bot/test_answering.py",
    "bot.entries": "tests/unit/bot/test_session.py",
    "bot.ears": "tests/adapter/bot/rooms/test_practice.py",
    "bot.facts": "tests/unit/bot/test_session.py",
    "bot.data_channel": "tests/adapter/bot/rooms/test_janus.py",
    "bot.janus_api": "tests/adapter/bot/rooms/test_janus.py",
    "bot.janus_chat": "tests/adapter/bot/rooms/test_janus.py",
    "bot.janus_ears": "tests/adapter/bot/rooms/test_janus.py",
    "bot.presence": "tests/unit/bot/test_session.py",
    "bot.telling": "tests/unit/bot/test_session.py",
    "calendar_sync.outlook_delta": "tests/adapter/calendar_sync/test_outlook.py",
    "calendar_sync.outlook_sign_in": "tests/adapter/calendar_sync/test_outlook.py",
    "calendar_sync.expansion": "tests/adapter/calendar_sync/test_ics_broken.py",
    "consent_notice.attendance": "tests/unit/consent_notice/test_rules.py",
    "config.demo": "tests/acceptance/test_demo.py",
    "config.rooms": "tests/adapter/config/test_doctor_command.py",
    "config.setting_tables": "tests/unit/config/test_settings.py",
    "config.options": "tests/adapter/config/test_cli.py",
    "config.story": "tests/acceptance/test_demo.py",
    "calendar_sync.caldav_messages": "tests/adapter/calendar_sync/test_caldav_bodies.py",
    "storage.calendar_policy": "tests/adapter/storage/test_calendars.py",
    "storage.disconnecting": "tests/adapter/storage/test_accounts.py",
    "storage.data_dir": "tests/adapter/storage/test_store.py",
    "storage.database": "tests/adapter/storage/test_store.py",
    "storage.key_file": "tests/adapter/storage/test_store.py",
    "storage.log_reader": "tests/adapter/storage/test_consent_log.py",
    "storage.migrate": "tests/adapter/storage/test_store.py",
    "storage.sound": "tests/adapter/storage/test_track_writer.py",
    "storage.vault": "tests/adapter/storage/test_store.py",
    "web.guests": "tests/adapter/web/test_ahead_links.py",
    "web.tying": "tests/adapter/web/test_ahead_here.py",
    "web.practice.qr": "tests/adapter/web/practice/test_app.py",
}

# Test files for what is no module.
OTHER_TESTS = {  # the room's page: its script, in a real browser
    "tests/adapter/web/practice/test_page.py",
    "tests/adapter/web/practice/test_page_chat.py",
}

BREAKS = [
    ("layers", "consent_notice/words.py", "import storage.errors"),
    ("layers", "storage/errors.py", "import bot.ports"),
    ("layers", "bot/ports.py", "import calendar_sync.links"),
    ("layers", "calendar_sync/links.py", "from bot import ports"),
    ("layers", "bot/ports.py", "import web.settings"),
    ("layers", "web/settings.py", "def later():\n    import config.settings"),
    ("pure-core", "consent_notice/rules.py", "import time"),
    ("pure-core", "consent_notice/rules.py", "from urllib.request import urlopen"),
    ("pure-core", "consent_notice/rules.py", "import cryptography"),
    ("pure-tables", "bot/session.py", "import asyncio"),
    ("pure-tables", "calendar_sync/planning.py", "import icalendar"),
    ("pure-tables", "calendar_sync/google_events.py", "import googleapiclient"),
    ("rooms", "bot/rooms/practice.py", "from consent_notice.gate import Gate"),
    ("rooms", "bot/rooms/practice.py", "import bot.capture"),
    ("rooms", "bot/rooms/practice.py", "import storage.errors"),
    ("rooms-apart", "bot/rooms/planted.py", "import bot.rooms.practice"),
    ("gate", "bot/audio.py", "from consent_notice.gate import Gate"),
    ("gate", "storage/errors.py", "import consent_notice.gate"),
    ("vendors", "bot/ports.py", "import pydub"),
    ("vendors", "web/settings.py", "from sqlalchemy import select"),
    ("vendors", "config/clock.py", "import webrtcvad"),
    ("vendors", "web/receipts.py", "import aiosmtplib"),
]  # fmt: skip


def source_files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def lint_imports(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [part for contract in contracts for part in ("--contract", contract)]
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo", *chosen]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_arrow_points_the_right_way() -> None:
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(("contract", "file", "line"), BREAKS)
def test_a_planted_break_is_caught(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / file
    path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + f"\n{line}\n", encoding="utf-8")
    found = lint_imports(copy, contract)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "BROKEN" in found.stdout


def test_every_contract_has_a_planted_break() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"] for contract in pyproject["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for contract, _, _ in BREAKS}


def test_the_pure_core_imports_nothing_but_a_short_list() -> None:
    """The linter's list names what is forbidden; this one names what is allowed, so nothing new slips in between."""
    for path in sorted((ROOT / "consent_notice").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            strange = {name.partition(".")[0] for name in names} - PURE
            assert not strange, f"{path.name} imports {strange}"


def test_the_core_opens_nothing_and_asks_for_no_randomness_or_hidden_import() -> None:
    for path in sorted((ROOT / "consent_notice").rglob("*.py")):
        called = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"open", "print", "input", "eval", "exec", "compile", "__import__"}, path.name


def test_the_gate_is_not_handed_on_by_the_package() -> None:
    assert "gate" not in (ROOT / "consent_notice" / "__init__.py").read_text(encoding="utf-8").replace("gating", "")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_imported_is_ours(package: str) -> None:
    """Distributions named `config` and `storage` exist."""
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).resolve() == ROOT / package / "__init__.py"


def test_every_file_is_short_enough_to_be_read() -> None:
    files = [*source_files(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    long = {
        str(path.relative_to(ROOT)): count
        for path in files
        if (count := len(path.read_text(encoding="utf-8").splitlines())) >= LONGEST_FILE
    }
    assert not long


def test_every_test_is_named_for_a_module_and_every_module_has_one() -> None:
    modules = {module_of(path) for path in source_files() if path.name != "__init__.py"}
    strays, tested = [], set()
    for ring in ("unit", "adapter"):
        for path in sorted((ROOT / "tests" / ring).rglob("test_*.py")):
            package = ".".join(path.relative_to(ROOT / "tests" / ring).parts[:-1])
            name = path.stem.removeprefix("test_")
            # test_gate_machine.py tests `gate` too: an aspect may follow the module's name
            mine = [one for one in modules if _is_for(one, package, name)]
            tested |= set(mine)
            if not mine and str(path.relative_to(ROOT)) not in OTHER_TESTS:
                strays.append(str(path.relative_to(ROOT)))
    assert not strays, f"name these for a module of the same package: {strays}"
    untested = {module for module in modules - tested if not module.startswith("storage.migrations.")}
    excused = NOTHING_TO_TEST | set(SHOWN_BY)
    missing, needless = untested - excused, excused - untested
    assert not missing, f"write a test, or say in SHOWN_BY which one covers it: {', '.join(sorted(missing))}"
    assert not needless, f"these have a test of their own now: {', '.join(sorted(needless))}"
    assert not [test for test in SHOWN_BY.values() if not (ROOT / test).exists()]


def _is_for(module: str, package: str, name: str) -> bool:
    parent, _, own = module.rpartition(".")
    return parent == package and (name == own or name.startswith(f"{own}_"))


def test_unit_tests_await_nothing() -> None:
    for path in (ROOT / "tests" / "unit").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in nodes), path.name


def test_every_required_package_is_used() -> None:
    """A dependency that nothing imports is a risk for nothing; those that the project promised or needs unseen stay."""
    unseen = {
        "audioop-lts": "pydub imports it",
    }
    known_as = {
        "argon2-cffi": "argon2",
        "dnspython": "dns",
        "google-api-python-client": "googleapiclient",
        "google-auth": "google",
        "hibari-tts": "hibari",
        "webrtcvad-wheels": "webrtcvad",
    }
    imported = set()
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                imported.add(node.value)  # importlib.resources.files("package of weights")
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = [re.split(r"[\[<>=;~! ]", requirement)[0] for requirement in pyproject["project"]["dependencies"]]
    assert {name for name in names if known_as.get(name, name.replace("-", "_")) not in imported} == set(unseen)


def test_the_versions_that_ci_runs_name_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    for line in pins:
        assert line.count("==") >= 1, line
        assert not {"/", "@", "+", "\\"} & set(line), line


def test_nothing_large_and_no_dump_is_kept_in_the_repository() -> None:
    """What a program that crashed left behind may hold anything of the machine."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: nothing is tracked")
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tracked = [ROOT / name for name in listed.split("\0") if name]
    assert len(tracked) > 500
    large = [path.name for path in tracked if path.is_file() and path.stat().st_size > LARGEST_FILE_BYTES]
    assert not large
