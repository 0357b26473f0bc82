"""What the demo shows on the terminal: the story as it happens, and the table at its end. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from consent_notice.clock import Clock

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    name: str
    consent_status: str
    spoken_s: float
    kept_s: float
    words: int


class Screen:
    """Times are seconds since the screen was made."""

    def __init__(self, clock: Clock, console: Console | None = None) -> None:
        self._clock = clock
        self._console = console or Console(highlight=False)
        self._began_ms = clock.boot_ms()
        self._colours: dict[str, str] = {"bot": "bold white"}
        self._tile = ""

    def heading(self, text: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{escape(text)}[/bold]", align="left", style="dim")

    def step(self, text: str) -> None:
        self._line("", escape(text))

    def tell(self, who: str, what: str, *, aside: str = "") -> None:
        ending = f" [dim]({escape(aside)})[/dim]" if aside else ""
        self._line(who, f"{escape(what)}{ending}")

    def quote(self, who: str, words: str) -> None:
        self._line(who, f"[italic]“{escape(words)}”[/italic]")

    def gate(self, name: str, *, is_open: bool) -> None:
        sign = "[bold red]●[/bold red] capture opens" if is_open else "[bold]○[/bold] capture is shut"
        self._line("gate", f"{sign} for [{self._colour(name)}]{escape(name)}[/]")

    def tile(self, text: str) -> None:
        if text != self._tile:
            self._tile = text
            self._line("tile", f"[reverse] {escape(text)} [/reverse]")

    def progress(self, what: str) -> Progress:
        """To be used as a context manager, with one task."""
        bar = Progress(
            TextColumn("      {task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            console=self._console,
            transient=False,
        )
        bar.add_task(what, total=1.0)
        return bar

    def result(self, rows: Sequence[ResultRow], recording: str) -> None:
        table = Table(title=f"Recording: [bold]{escape(recording)}[/bold]", title_justify="left", header_style="bold")
        table.add_column("person")
        table.add_column("consent")
        for column in ("spoken s", "kept s", "words"):
            table.add_column(column, justify="right")
        for row in rows:
            table.add_row(
                f"[{self._colour(row.name)}]{escape(row.name)}[/]",
                escape(row.consent_status),
                f"{row.spoken_s:.1f}",
                f"{row.kept_s:.1f}",
                str(row.words),
            )
        self._console.print(table)

    def verdict(self, text: str, *, is_good: bool) -> None:
        self._console.print(f"{'[green]✔[/green]' if is_good else '[bold red]✘[/bold red]'} {escape(text)}")

    def box(self, title: str, lines: Sequence[str]) -> None:
        self._console.print(Panel(Text("\n".join(lines)), title=escape(title), title_align="left", expand=False))

    def _line(self, who: str, markup: str) -> None:
        passed_s = (self._clock.boot_ms() - self._began_ms) // 1000
        name = f"[{self._colour(who)}]{escape(who):>7}[/]" if who else " " * 7
        self._console.print(f"[dim]{passed_s // 60:02}:{passed_s % 60:02}[/dim] {name}  {markup}")

    def _colour(self, who: str) -> str:
        if who in ("gate", "tile"):
            return "dim"
        return self._colours.setdefault(who, _COLOURS[(len(self._colours) - 1) % len(_COLOURS)])
