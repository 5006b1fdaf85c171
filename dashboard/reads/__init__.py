"""What pages read, a module per room, each with the rows that its statements return."""
