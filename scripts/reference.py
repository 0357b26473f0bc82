"""Writes the tables of docs/settings.md and docs/errors.md, and docs/verify.html, from the code.

Tests see that nobody forgot to run it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.settings import ENV_PREFIX, NESTED, Settings, described  # noqa: E402
from web.checker import FILE_NAME, checker_page  # noqa: E402

PACKAGES = ("config", "web", "bot", "calendar_sync", "storage", "consent_notice")

SETTINGS_HEAD = f"""\
# Settings

They are read from `onrecord.toml` in the working directory (or `--config FILE`), then from the environment, then from
the command line; the later one wins, setting by setting. The variable of a setting is its name in capitals after
`{ENV_PREFIX}`; that of `transcription.model` is `{ENV_PREFIX}TRANSCRIPTION{NESTED}MODEL`.
An unknown name is a mistake, and all mistakes are told at once, each with its fix.

```toml
organisation = "Example Ltd"
organisation_contact = "privacy@example.org"
retention_days = 30

[transcription]
model = "tiny.en"
```

| setting | default | meaning |
| --- | --- | --- |
"""

ERRORS_HEAD = """\
# Messages

What can go wrong, by the name that logs use. The terminal and the pages show the message itself; it says what to do.

| name | meaning |
| --- | --- |
"""


def settings_page() -> str:
    rows = []
    for name, field in described():
        default = field.default
        shown = "" if default is None or default == "" else f"`{_as_toml(default)}`"
        rows.append(f"| `{name}` | {shown} | {field.description} |\n")
    return SETTINGS_HEAD + "".join(rows)


def errors_page() -> str:
    rows = {
        f"| `{error.__module__.partition('.')[0]}.{error.__name__}` | {_first_paragraph(error)} |\n"
        for error in error_classes()
    }
    return ERRORS_HEAD + "".join(sorted(rows, key=str.lower))


def error_classes() -> set[type[Exception]]:
    """Every error that our packages define for others."""
    found = set()
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if ".migrations" in module.name:
                continue
            for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                own = value.__module__.partition(".")[0] in PACKAGES
                if own and issubclass(value, Exception) and not value.__name__.startswith("_"):
                    found.add(value)
    return found


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _first_paragraph(error: type[Exception]) -> str:
    return " ".join((error.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    assert Settings.model_fields
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
    (ROOT / "docs" / "errors.md").write_text(errors_page(), encoding="utf-8")
    (ROOT / "docs" / FILE_NAME).write_text(checker_page(), encoding="utf-8")
