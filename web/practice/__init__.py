"""The built-in meeting room, a process of its own: anyone with the link can try onrecord in it."""
