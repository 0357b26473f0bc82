"""The commands: `onrecord serve`, `demo`, `verify`, `receipt`, `log`, `try-answer` and so on; `role` is run by `serve`.

What goes wrong is said in one clear line on stderr; docs/commands.md lists the exit codes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import click

from config import logs, role
from config.calendar_command import calendar
from config.clock import SystemClock
from config.doctor_command import doctor
from config.errors import ConfigError, ExitCode
from config.log_commands import log
from config.options import common, read_settings, settings_of_data
from config.receipt_command import receipt
from config.settings import Settings, information_of
from config.supervisor import ROLES, Supervisor, read_status
from config.try_answer import try_answer
from consent_notice.information import missing_line
from storage.copies import read_states, state_as_json
from storage.errors import StorageError


def main() -> None:
    """The console script. Known errors become a line and an exit code; anything else is a bug: a traceback."""
    try:
        sys.exit(commands.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ConfigError, StorageError) as error:
        for line in str(error).splitlines():
            click.echo(f"onrecord: {line}", err=True)
        sys.exit(role.exit_code_of(error) if isinstance(error, ConfigError) else ExitCode.DATA_DIR)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(128 + signal.SIGINT)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """A meeting bot that asks before it records."""


commands.add_command(calendar)
commands.add_command(doctor)
commands.add_command(receipt)
commands.add_command(try_answer)


@commands.command()
@common
def serve(config_file: Path | None, data_dir: Path | None) -> None:
    """Run the server until Ctrl-C or SIGTERM."""
    settings = read_settings(config_file, data_dir, to_serve=True)
    logs.set_up("server", settings.data_dir, terminal_level="info")
    asyncio.run(_serve(settings))


@commands.command()
@click.option("--exit", "exit_when_done", is_flag=True, help="Leave when the story is over, with 0 only if all held.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write what happened as JSON.")
@common
def demo(config_file: Path | None, data_dir: Path | None, exit_when_done: bool, report: Path | None) -> None:
    """Play a whole meeting on this machine, then stay up for you to try."""
    from config.demo import run

    settings = read_settings(config_file, data_dir, to_serve=False)
    held = asyncio.run(_until_signalled(run(settings, exit_when_done=exit_when_done, report=report)))
    if held is None:  # ended by a signal, the usual end of a demo that stays up
        sys.exit(ExitCode.FAILED if exit_when_done else ExitCode.OK)
    sys.exit(ExitCode.OK if held else ExitCode.FAILED)


@commands.command()
@common
def verify(config_file: Path | None, data_dir: Path | None) -> None:
    """Check the log, its checkpoints, every part and every tag, offline; exit 1 and one line a fault."""
    from storage.verify import verify as check

    report = check(settings_of_data(config_file, data_dir).data_dir)
    for fault in report.faults:
        click.echo(fault)
    counted = (
        f"{report.entries} log entries, {report.checkpoints} checkpoints, {report.parts} parts, "
        f"{report.transcripts} transcripts" + (f"; {report.erased} erased since" if report.erased else "")
    )
    if report.waiting:
        counted += f"; {report.waiting} erasures wait for a running meeting"
    if report.faults:
        click.echo(f"{len(report.faults)} faults in {counted}", err=True)
        sys.exit(ExitCode.FAILED)
    click.echo(f"no fault in {counted}")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
@common
def status(config_file: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """What was recorded, with its consent status, and whether the server runs."""
    settings = settings_of_data(config_file, data_dir)
    from config.wiring import status as read_recordings

    copies = [state_as_json(state) for state in read_states(settings.data_dir)]
    found = {
        **asyncio.run(read_recordings(settings, shows_people=as_json)),
        "roles": read_status(settings.data_dir) or {},
        "checkpoint_copies": copies,
    }
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print_status(found)


@commands.command()
def version() -> None:
    """Which onrecord this is."""
    click.echo(f"onrecord {installed_version('onrecord')}")


commands.add_command(log)


@commands.command("role", hidden=True)
@click.argument("name", type=click.Choice(ROLES))
@click.option("--parent", type=int, required=True, help="Process that this one ends with.")
@click.option("--terminal", type=click.Choice(["info", "warning"]), default="info", help="What is shown on stderr.")
def role_command(name: str, parent: int, terminal: str) -> None:
    """Run one role of the server; the settings come on stdin as JSON."""
    role.die_with(parent)
    settings = Settings.model_validate_json(sys.stdin.buffer.read())
    from config.wiring import run_role

    sys.exit(role.run(name, settings, run_role, terminal_level=terminal))


async def _serve(settings: Settings) -> None:
    async def prepare() -> None:
        from config.checkpoints import check_before_start
        from config.wiring import first_admin

        admin = await first_admin(settings)
        if not_stated := missing_line(information_of(settings)):
            click.echo(not_stated, err=True)
        for unseen in await check_before_start(settings):
            click.echo(f"couldn't compare the log with its copies: {unseen}", err=True)
        click.echo(f"onrecord {installed_version('onrecord')}: {settings.public_url}")
        click.echo(f"practice room: {settings.practice_url}")
        if admin is not None:
            email, password = admin
            click.echo(f"first admin (shown this once): {email}  password: {password}")

    supervisor = Supervisor(settings, clock=SystemClock())
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_number, supervisor.stop)
    await supervisor.run(prepare)


async def _until_signalled(work: Coroutine[Any, Any, bool]) -> bool | None:
    """Ctrl-C, SIGTERM and SIGHUP cancel it, and its processes end with it; then None."""
    task = asyncio.current_task()
    assert task is not None
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return None


def _print_status(found: Mapping[str, Any]) -> None:
    roles: Mapping[str, Mapping[str, Any]] = found["roles"]
    click.echo("server: " + (", ".join(f"{name} {run['state']}" for name, run in roles.items()) or "not running"))
    for recording in found["recordings"]:
        consent = ", ".join(recording["consent_status"]) or "none"
        click.echo(f"{recording['started_at']}  {recording['visit']}  consent: {consent}")
    if not found["recordings"]:
        click.echo("nothing was recorded yet")
    for copies in found["checkpoint_copies"]:
        made = f"{copies['size']} entries, {copies['at']}" if copies["size"] is not None else "none yet"
        click.echo(f"checkpoint copies in {copies['where']}: {made}")
        if copies["problem"]:
            mark = "ALARM" if copies["is_alarm"] else "failing"
            click.echo(f"  {mark} since {copies['problem_since']}: {copies['problem']}")


if __name__ == "__main__":
    main()
