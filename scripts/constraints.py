"""Writes constraints.txt from what is installed in .venv: names and versions only.

Packages that only another Python version installs keep the line that they have.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "constraints.txt"
HEAD = """\
# The versions that the tests run with; `make setup` installs exactly these.
# After a change in pyproject.toml: `make setup-test && make constraints`.
"""


def main() -> None:
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "freeze", "--exclude-editable"], check=True, capture_output=True, text=True
    ).stdout
    pins = {line for line in frozen.splitlines() if re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line)}
    if FILE.exists():
        pins |= {line for line in FILE.read_text().splitlines() if ";" in line and not line.startswith("#")}
    FILE.write_text(HEAD + "".join(f"{line}\n" for line in sorted(pins, key=str.lower)))


if __name__ == "__main__":
    main()
