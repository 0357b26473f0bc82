"""One command a figure, each against its floor in the same run: `python -m bench [NAME] --json`.

A figure is a module here with `figures() -> Iterable[Figure]`; its name is the module's.
"""
