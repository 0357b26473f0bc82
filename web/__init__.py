"""What people see: the pages of hosts, participants and admins. The practice room is a process of its own below it."""
