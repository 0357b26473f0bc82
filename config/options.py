"""The options that commands share, and the settings that they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from config.reading import load
from config.settings import Settings
from storage.data_dir import DATABASE_NAME

_Command = TypeVar("_Command", bound=Callable[..., Any])


def common(command: _Command) -> _Command:
    for option in (
        click.option(
            "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Instead of the setting `data_dir`."
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings file; default: onrecord.toml here, if there is one.",
        ),
    ):
        command = option(command)
    return command


def read_settings(config_file: Path | None, data_dir: Path | None, *, to_serve: bool) -> Settings:
    overrides: Mapping[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    return load(file=config_file, environment=os.environ, overrides=overrides, to_serve=to_serve)


def settings_of_data(config_file: Path | None, data_dir: Path | None) -> Settings:
    """For commands that look at what there is and must not begin anything."""
    settings = read_settings(config_file, data_dir, to_serve=False)
    if not (settings.data_dir / DATABASE_NAME).is_file():
        where = f"there is no data in {settings.data_dir}"
        raise click.ClickException(f"{where}; name the right folder with --data-dir, or run `onrecord serve` first")
    return settings
