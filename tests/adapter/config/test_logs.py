"""What reaches a role's log file and the terminal, and what must not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from msal.oauth2cli.oauth2 import Client

from config.errors import ConfigError
from config.logs import _QUIET, _UNHEARD, log_path, set_up


@pytest.fixture(autouse=True)
def own_loggers() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    vendors = {name: logging.getLogger(name).level for name in (*_QUIET, *_UNHEARD)}
    yield
    for name, its_level in vendors.items():
        logging.getLogger(name).setLevel(its_level)
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers, root.level = before, level
    structlog.reset_defaults()


def lines(data_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_path(data_dir, "bots").read_text(encoding="utf-8").splitlines()]


def test_both_kinds_of_logger_write_json_to_the_file_and_one_terse_line_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("bots", tmp_path, terminal_level="info")
    logging.getLogger("bot.runner").info("joined", extra={"visit": "v1"})
    structlog.get_logger("bot.capture").warning("gate shut", visit="v1", reason="stall")
    first, second = lines(tmp_path)
    assert (first["event"], first["visit"], first["level"], first["logger"]) == ("joined", "v1", "info", "bot.runner")
    assert (second["event"], second["reason"], second["level"]) == ("gate shut", "stall", "warning")
    assert first["timestamp"].endswith("Z")
    terminal = capsys.readouterr().err.splitlines()
    assert [line[9:] for line in terminal] == [
        "bots       joined visit=v1",
        "bots       warning: gate shut visit=v1 reason=stall",
    ]


def test_the_terminal_can_be_quieter_than_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up("bots", tmp_path, terminal_level="warning")
    logging.getLogger("bot").info("joined")
    assert len(lines(tmp_path)) == 1
    assert capsys.readouterr().err == ""


def test_an_exception_is_logged_without_what_people_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up("bots", tmp_path, terminal_level="info")
    try:
        secret = "Ada: my salary"
        try:
            raise ValueError(f"cannot parse {secret}")
        except ValueError as error:
            raise ConfigError("set `web_port`") from error
    except ConfigError:
        logging.getLogger("bot").exception("failed")
    (line,) = lines(tmp_path)
    ours, vendors = line["exception"]
    assert (ours["type"], ours["message"]) == ("config.errors.ConfigError", "set `web_port`")
    assert vendors["type"] == "builtins.ValueError"
    assert "test_logs.py" in vendors["at"][0]
    assert "Ada" not in log_path(tmp_path, "bots").read_text(encoding="utf-8")
    assert "Ada" not in capsys.readouterr().err


def test_a_group_of_errors_tells_each(tmp_path: Path) -> None:
    set_up("bots", tmp_path, terminal_level="error")
    logging.getLogger("bot").error("failed", exc_info=ExceptionGroup("", [OSError(28, "No space left"), ValueError()]))
    (group,) = lines(tmp_path)[0]["exception"]
    assert [one["type"] for one in group["of"]] == ["builtins.OSError", "builtins.ValueError"]
    assert group["of"][0]["message"] == "No space left"


def test_chatty_vendors_are_heard_only_when_something_is_wrong(tmp_path: Path) -> None:
    set_up("bots", tmp_path, terminal_level="error")
    logging.getLogger("aioice.ice").info("candidate 192.0.2.1")
    logging.getLogger("aiortc").warning("lost")
    assert [line["event"] for line in lines(tmp_path)] == ["lost"]


class CutOff:
    """A sign-in service whose answer ends in the middle."""

    status_code, text = 200, '{"access_token": "s3cret", "refr'

    def post(self, address: str, **asked: object) -> CutOff:
        return self


def test_vendors_that_quote_answers_are_not_heard(tmp_path: Path) -> None:
    set_up("bots", tmp_path, terminal_level="error")
    client = Client({"token_endpoint": "https://sign-in.example/token"}, "onrecord", http_client=CutOff())
    with pytest.raises(ValueError, match="Unterminated"):
        client.obtain_token_by_refresh_token("r3fresh")
    for name in ("googleapiclient.http", "google.oauth2.credentials", "urllib3.connectionpool"):
        logging.getLogger(name).error("s3cret")
    assert lines(tmp_path) == []
