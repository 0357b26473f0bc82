"""Calendars are read here, never written: which meetings a host's calendars hold, and which of them the bot will visit.

Planned meetings at rest in `storage` are all that the bot sees of it.
"""
