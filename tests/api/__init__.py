"""The REST API, asked over real sockets, on a real database."""
