"""From settings to copies: the role that makes them, and the server that does not start on a log that lost entries."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.checkpoints import check_before_start, copier, places_of
from config.clock import SystemClock
from config.errors import ExitCode, LogLost
from config.settings import Checkpoints, Settings
from config.wiring import open_store, run_role
from storage.bucket_copies import BucketPlace
from storage.copies import CheckpointCopies, read_states
from storage.data_dir import serving
from storage.folder_copies import FolderPlace
from tests.adapter.config.test_cli import WHO, run
from tests.adapter.storage.events import read_by
from tests.simulators.object_server import CREDENTIALS
from tests.simulators.server import free_port, server_settings


def settings_with(tmp_path: Path, **checkpoints: object) -> Settings:
    return server_settings(tmp_path / "onrecord-data", checkpoints=Checkpoints(**checkpoints))  # type: ignore[arg-type]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    made = tmp_path / "elsewhere"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


async def log_entries(settings: Settings, count: int) -> None:
    async with open_store(settings) as store:
        for _ in range(count):
            size = store.log.size()
            await store.log.append(read_by(size), event_id=f"e{size}")


async def test_nothing_leaves_until_a_place_is_named(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    async with open_store(settings) as store:
        assert places_of(settings, store.log) == []
        assert await copier(settings, store.log, SystemClock()).copy_once() == []
    assert await check_before_start(settings) == []


async def test_the_calendar_role_copies_to_each_named_place(tmp_path: Path, elsewhere: Path) -> None:
    settings = settings_with(
        tmp_path,
        folder=elsewhere,
        s3_bucket="bucket",
        s3_endpoint=f"http://127.0.0.1:{free_port()}",
        rfc3161_url=f"http://127.0.0.1:{free_port()}/",
        interval_s=10,
    )
    await log_entries(settings, 2)
    async with open_store(settings) as store:
        assert [type(place) for place in places_of(settings, store.log)] == [FolderPlace, BucketPlace]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_role("calendar", settings))
        async with asyncio.timeout(60):
            while not read_states(settings.data_dir):
                await asyncio.sleep(0.05)
        running.cancel()
    states = {state.kind: state for state in read_states(settings.data_dir)}
    assert [path.stem for path in elsewhere.rglob("*.checkpoint")] == ["000000000002"]
    assert (states["folder"].size, states["folder"].problem) == (2, "")
    assert "can't be reached" in states["bucket"].problem
    assert "can't be reached" in states["timestamps"].problem
    found = json.loads(run(tmp_path, "status", "--json").stdout)["checkpoint_copies"]
    assert {copies["kind"]: copies["size"] for copies in found} == {"folder": 2, "bucket": None, "timestamps": None}
    told = run(tmp_path, "status").stdout
    assert f"checkpoint copies in {next(elsewhere.iterdir())}: 2 entries, " in told
    assert "failing since" in told


async def put_back_older_data(settings: Settings, elsewhere: Path) -> None:
    """Four entries, a backup, four more that left as a copy, and the backup put back."""
    await log_entries(settings, 4)
    backup = settings.data_dir.parent / "backup.db"
    with closing(sqlite3.connect(settings.data_dir / "onrecord.db")) as source, closing(sqlite3.connect(backup)) as to:
        source.backup(to)
    await log_entries(settings, 4)
    async with open_store(settings) as store:
        places = places_of(settings, store.log)
        await CheckpointCopies(store.log, settings.data_dir, SystemClock(), places=places).copy_once()
    for left in settings.data_dir.glob("onrecord.db*"):
        left.unlink()
    shutil.copy(backup, settings.data_dir / "onrecord.db")


async def test_a_server_does_not_sign_on_over_an_older_backup(tmp_path: Path, elsewhere: Path) -> None:
    settings = settings_with(tmp_path, folder=elsewhere)
    await put_back_older_data(settings, elsewhere)
    with pytest.raises(LogLost, match="signed over 8 entries"):
        await check_before_start(settings)
    ports = {"ONRECORD_WEB_PORT": str(free_port()), "ONRECORD_PRACTICE_PORT": str(free_port())}
    ended = run(tmp_path, "serve", ONRECORD_CHECKPOINTS__FOLDER=str(elsewhere), **ports, **WHO)
    assert ended.returncode == ExitCode.DATA_DIR
    assert "an older copy of the data was put back" in ended.stderr
    assert "nothing was signed" in ended.stderr
    with closing(sqlite3.connect(settings.data_dir / "onrecord.db")) as connection:
        assert connection.execute("SELECT max(size) FROM log_checkpoints").fetchone() == (4,)


async def test_a_loss_that_was_declared_lets_the_server_start_under_another_name(
    tmp_path: Path, elsewhere: Path
) -> None:
    settings = settings_with(tmp_path, folder=elsewhere)
    await put_back_older_data(settings, elsewhere)
    (copy,) = elsewhere.rglob("*.checkpoint")
    old_key = run(tmp_path, "log", "key").stdout.strip()
    assert run(tmp_path, "log", "declare", str(copy)).returncode == ExitCode.USAGE, "it must say why"
    with serving(settings.data_dir):
        busy = run(tmp_path, "log", "declare", str(copy), "--why", "the disk died")
        assert (busy.returncode, busy.stdout) == (ExitCode.DATA_DIR, "")
    declared = run(tmp_path, "log", "declare", str(copy), "--why", "the disk died")
    assert declared.returncode == 0, declared.stderr
    new_key = run(tmp_path, "log", "key").stdout.strip()
    assert new_key in declared.stdout
    assert new_key.startswith(old_key.partition("+")[0] + "/")
    assert await check_before_start(settings) == []
    lost = run(tmp_path, "log", "consistency", str(copy))
    assert (lost.returncode, lost.stdout) == (1, "")
    assert "declares" in lost.stderr
    async with open_store(settings) as store:
        places = places_of(settings, store.log)
        (state,) = await CheckpointCopies(store.log, settings.data_dir, SystemClock(), places=places).copy_once()
    assert (state.size, state.is_alarm, state.problem) == (5, False, "")
    again = run(tmp_path, "log", "declare", str(copy), "--why", "the disk died")
    assert again.returncode == 1


async def test_what_can_not_be_looked_at_is_said_and_keeps_no_server_from_starting(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path, folder=tmp_path / "mount", s3_bucket="bucket", s3_endpoint=f"http://127.0.0.1:{free_port()}"
    )
    await log_entries(settings, 1)
    folder, bucket = await check_before_start(settings)
    assert "no such folder" in folder
    assert "can't be reached" in bucket
