"""Runs the figures and prints them; which there are is found, not listed."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable

import click
from rich.console import Console
from rich.table import Table

import bench
from bench.figure import Figure

_NOT_FIGURES = {"__main__", "figure"}


def found() -> dict[str, Callable[..., Iterable[Figure]]]:
    """Figures by name; a module without `figures` is a part of another and is left out."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in _NOT_FIGURES)
    modules = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module.figures for name, module in modules.items() if hasattr(module, "figures")}


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help='{"figures": [{"name", "value", "unit", "floor", …}]}')
@click.option("--size", type=click.IntRange(1), help="Of what is measured, where a figure has a size; else its own.")
def main(name: str | None, as_json: bool, size: int | None) -> None:
    """Measure all figures, or those of NAME."""
    benches = found()
    if name is not None and name not in benches:
        raise click.UsageError(f"there is no {name}; there are: {', '.join(benches) or 'none'}")
    figures = [
        figure for one, measure in benches.items() if name in {None, one} for figure in measure(**_sized(measure, size))
    ]
    if as_json:
        click.echo(json.dumps({"figures": [figure.as_json() for figure in figures]}))
    else:
        Console().print(_table(figures))


def _sized(measure: Callable[..., Iterable[Figure]], size: int | None) -> dict[str, int]:
    return {"size": size} if size is not None and "size" in inspect.signature(measure).parameters else {}


def _table(figures: Iterable[Figure]) -> Table:
    table = Table("figure", "value", "floor", "ratio", "goal", "met")
    for figure in figures:
        numbers = (figure.floor, figure.ratio, figure.goal)
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        table.add_row(figure.name, f"{figure.value:.4g} {figure.unit}", *map(_shown, numbers), met)
    return table


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.4g}"


if __name__ == "__main__":
    main(prog_name="python -m bench")
