"""`onrecord log …`: the log's head, its published key, and whether it continues a checkpoint kept elsewhere.

All but `declare` read and change nothing, whether or not a server runs. What is proven is decided in
`consent_notice.continuity`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from config.errors import ExitCode
from config.options import common, settings_of_data

if TYPE_CHECKING:
    from consent_notice.continuity import Continuation
    from storage.log_reader import LogReader


@click.group()
def log() -> None:
    """What a copy of the log's head, kept elsewhere, is good for."""


@log.command()
@common
def checkpoint(config_file: Path | None, data_dir: Path | None) -> None:
    """Print the latest signed checkpoint, for keeping elsewhere."""
    from storage.log_reader import open_log

    with open_log(settings_of_data(config_file, data_dir).data_dir) as found:
        click.echo(found.latest_checkpoint(), nl=False)


@log.command()
@common
def key(config_file: Path | None, data_dir: Path | None) -> None:
    """Print the published verifier key, with which checkpoints and receipts are checked."""
    from storage.log_reader import open_log

    with open_log(settings_of_data(config_file, data_dir).data_dir) as found:
        click.echo(found.vkey)


@log.command()
@click.argument("old_checkpoint", type=click.File("rb"), required=False)
@click.option(
    "--copies",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Check every copy of a checkpoint in this folder instead.",
)
@click.option("--json", "as_json", is_flag=True, help="The proof too, as one JSON object.")
@common
def consistency(
    config_file: Path | None, data_dir: Path | None, old_checkpoint: BinaryIO | None, copies: Path | None, as_json: bool
) -> None:
    """Prove that the log here continues OLD_CHECKPOINT: a signed checkpoint or a receipt, in a file or (-) on stdin."""
    from consent_notice.continuity import DoesNotContinue
    from storage.log_reader import open_log

    if (old_checkpoint is None) == (copies is None):
        raise click.UsageError("name one old checkpoint, or --copies with a folder of them")
    settings = settings_of_data(config_file, data_dir)
    with open_log(settings.data_dir) as found:
        if copies is not None:
            roots = settings.checkpoints.rfc3161_roots
            _check_copies(found, copies, roots.read_bytes() if roots is not None else b"", as_json=as_json)
            return
        assert old_checkpoint is not None
        try:
            continued = _continued(found, old_checkpoint.read())
        except DoesNotContinue as error:
            if as_json:
                click.echo(json.dumps({"continues": False, "what": error.what.value, "why": str(error)}))
            click.echo(str(error), err=True)
            sys.exit(ExitCode.FAILED)
    click.echo(json.dumps(_as_json(continued)) if as_json else _in_words(continued))


@log.command()
@click.argument("old_checkpoint", type=click.File("rb"))
@click.option("--why", required=True, help="What happened, in a line; it stays in the log.")
@common
def declare(config_file: Path | None, data_dir: Path | None, old_checkpoint: BinaryIO, why: str) -> None:
    """Declare that entries under OLD_CHECKPOINT are lost here, and go on under another name. For good."""
    from config.clock import SystemClock, new_id
    from consent_notice.continuity import DoesNotContinue, kept_note
    from storage.data_dir import serving
    from storage.declaring import declare_lost
    from storage.errors import NothingLost
    from storage.store import Store

    settings = settings_of_data(config_file, data_dir)
    with serving(settings.data_dir):  # a server that runs has the log open under its old name
        store = Store.open(settings.data_dir, SystemClock(), new_id)
        try:
            key = declare_lost(store.log, kept_note(old_checkpoint.read()), why, new_id()[:12])
        except (DoesNotContinue, NothingLost, ValueError) as error:
            raise click.ClickException(str(error)) from None
        finally:
            store.close()
    click.echo(f"Declared as entry {store.log.chain.names[-1].from_size - 1}. Publish the new verifier key:")
    click.echo(str(key))


def _continued(found: LogReader, content: bytes) -> Continuation:
    from consent_notice.continuity import kept_note
    from storage.continuity import continues

    return continues(found, kept_note(content))


def _check_copies(found: LogReader, folder: Path, roots: bytes, *, as_json: bool) -> None:
    """All of this log's; a folder may hold those of other logs too, and none at all proves nothing."""
    from consent_notice.continuity import Break, DoesNotContinue
    from storage.copies import NOTE_SUFFIX, STAMP_SUFFIX

    held: list[dict[str, object]] = []
    faults: list[tuple[str, str, str]] = []
    of_others = 0
    for path in sorted(folder.rglob(f"*{NOTE_SUFFIX}")):
        name, stamp = str(path.relative_to(folder)), path.with_suffix(STAMP_SUFFIX)
        try:
            content = path.read_bytes()
            checked = {"file": name, **_as_json(_continued(found, content))}
            if stamp.exists():
                checked["stamped_at"] = _stamped_at(stamp.read_bytes(), content.decode(), roots)
            held.append(checked)
        except DoesNotContinue as error:
            if error.what is Break.ANOTHER_LOG:
                of_others += 1
            else:
                faults.append((name, error.what.value, str(error)))
        except _StampFault as error:
            faults.append((str(stamp.relative_to(folder)), "bad timestamp", str(error)))
        except OSError as error:
            faults.append((name, "unreadable", f"couldn't read the copy: {error.strerror}"))
    if not held and not faults:
        faults.append((str(folder), Break.NO_CHECKPOINT.value, "there is no checkpoint of this log in that folder"))
    if as_json:
        broken = [{"file": name, "continues": False, "what": what, "why": why} for name, what, why in faults]
        click.echo(json.dumps({"continues": not faults, "copies": held + broken, "of_other_logs": of_others}))
    for name, _, why in faults:
        click.echo(f"{name}: {why}", err=True)
    if faults:
        sys.exit(ExitCode.FAILED)
    if not as_json:
        click.echo(_copies_in_words(folder, held, of_others, is_trusted=bool(roots)))


class _StampFault(Exception):
    pass


def _stamped_at(stamp: bytes, note: str, roots: bytes) -> str:
    """When a timestamp service saw it. Raises _StampFault."""
    from storage.timestamps import BadStamp, check_stamp, read_roots

    try:
        return check_stamp(stamp, note, read_roots(roots)).at.isoformat(timespec="seconds")
    except BadStamp as error:
        raise _StampFault(f"that is no timestamp of this checkpoint: {error}") from None


def _copies_in_words(folder: Path, held: list[dict[str, object]], of_others: int, *, is_trusted: bool) -> str:
    sizes = sorted(int(str(checked["old_size"])) for checked in held)
    words = (
        f"The log continues every copy of its checkpoints in {folder}: {len(held)} of them, of {sizes[0]} to "
        f"{sizes[-1]} entries"
    )
    stamped = sum("stamped_at" in checked for checked in held)
    if stamped:
        how = "held to the certificates that are set" if is_trusted else "not held to any certificate"
        words += f"; timestamps with {stamped} of them, {how}"
    return words + (f"; copies of other logs left out: {of_others}." if of_others else ".")


def _in_words(continued: Continuation) -> str:
    old, latest = continued.old, continued.latest
    if old.size == latest.size:
        return f"The log {latest.origin} ends with that very checkpoint: {old.size} entries, root {old.root.hex()}."
    return (
        f"The log {latest.origin} continues that checkpoint.\n"
        f"  then: {old.size} entries, root {old.root.hex()}\n"
        f"  now:  {latest.size} entries, root {latest.root.hex()}\n"
        f"Its first {old.size} entries are the same, in the same order: proven by {len(continued.path)} hashes "
        f"(RFC 9162), both heads signed with this log's key."
    )


def _as_json(continued: Continuation) -> dict[str, object]:
    return {
        "continues": True,
        "origin": continued.latest.origin,
        "old_size": continued.old.size,
        "size": continued.latest.size,
        "proof": continued.proof(),
        "checkpoint": continued.note,
        "request": continued.request(),
    }
