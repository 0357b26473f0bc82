"""`onrecord receipt …`: what can be done with a receipt alone. Needs no data directory, no settings and no network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from config.errors import ExitCode
from consent_notice.checkpoint import BadVerifierKey, VerifierKey, read_verifier_key
from consent_notice.notice import plain
from consent_notice.receipt import DOES_NOT_PROVE, PROVES, CheckedReceipt, fingerprint
from consent_notice.receipt_page import MAX_PAGE_BYTES, check_file
from consent_notice.record import BadReceipt

_LONGEST_KEY_BYTES = 4_096


def _read_key(_context: click.Context, _option: click.Parameter, value: str) -> VerifierKey:
    """Its text, or a file that holds nothing else."""
    try:
        path = Path(value)
        text = path.read_bytes()[:_LONGEST_KEY_BYTES].decode() if path.is_file() else value
        return read_verifier_key(text)
    except (OSError, ValueError, BadVerifierKey) as error:
        said = str(error) if isinstance(error, BadVerifierKey) and str(error) else "that is no verifier key"
        raise click.BadParameter(f"{said}; give the server's published line, or a file that holds it") from None


@click.group()
def receipt() -> None:
    """What a participant can do with their receipt, without the server."""


@receipt.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--key", required=True, callback=_read_key, help="The server's verifier key, or a file that holds it.")
@click.option("--json", "as_json", is_flag=True, help="What holds, or what does not, as one JSON object.")
def verify(file: Path, key: VerifierKey, as_json: bool) -> None:
    """Check a receipt (.html or .json) offline; exit 1 and one line where it does not hold."""
    from storage.vault import verify_signature

    with file.open("rb") as opened:
        content = opened.read(MAX_PAGE_BYTES + 1)
    try:
        checked = check_file(content, key, verify_signature)
    except BadReceipt as error:
        click.echo(json.dumps({"holds": False, "why": str(error)}) if as_json else f"does not hold: {error}")
        sys.exit(ExitCode.FAILED)
    click.echo(json.dumps(_told(checked, key), ensure_ascii=False) if as_json else _in_words(checked, key))


def _told(checked: CheckedReceipt, key: VerifierKey) -> dict[str, Any]:
    return {
        "holds": True,
        "key": fingerprint(key),
        "receipt_id": checked.content["receipt"]["receipt_id"],
        "seat": checked.seat,
        "shown_as": checked.record["header"]["shown_as"],
        "context": checked.record["context"],
        "standings": {purpose.value: standing.value for purpose, standing in checked.standings},
        "entries": list(checked.entries),
        "checkpoint": {
            "origin": checked.checkpoint.origin,
            "size": checked.checkpoint.size,
            "root": checked.checkpoint.root.hex(),
        },
        "proves": list(PROVES),
        "does_not_prove": list(DOES_NOT_PROVE),
    }


def _in_words(checked: CheckedReceipt, key: VerifierKey) -> str:
    context, name = checked.record["context"], plain(checked.record["header"]["shown_as"]) or "no name"
    entries = ", ".join(map(str, checked.entries))
    lines = [
        f"holds: not a byte was changed since {fingerprint(key)} signed it",
        f"  meeting: {plain(context['platform'])}, {context['began_at']}, hosted by {plain(context['host'])}",
        f"  person: {name} (seat {plain(checked.seat)})",
        *(f"  {purpose.value}: {standing.value}" for purpose, standing in checked.standings),
        f"  entries {entries} of the {checked.checkpoint.size} that the log had then",
        "it proves:",
        *(f"  - {line}" for line in PROVES),
        "it does not prove:",
        *(f"  - {line}" for line in DOES_NOT_PROVE),
    ]
    return "\n".join(lines)
