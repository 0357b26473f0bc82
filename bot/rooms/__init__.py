"""One adapter a meeting platform, each behind `bot.ports.MeetingRoom`."""
