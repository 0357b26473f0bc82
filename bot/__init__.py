"""The bot: joins meetings, asks, and captures what the gate admits."""
