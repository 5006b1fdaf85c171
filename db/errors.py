"""What can be wrong with the database as a whole."""


class DatabaseUnavailable(Exception):
    """The database can't be used now; the message says why and what to do next."""
