"""Meetings that are joined through their own web page, in a Chromium that the bot drives as an ordinary guest."""
