"""The dialer's statements, by name, with the rows that they return. They are written in `db/queries/`."""

from db.queries import load
from dialer import rows

dialing = load("dialing", rows)
settling = load("settling", rows)
campaigns = load("campaigns", rows)
contacts = load("contacts", rows)
suppressions = load("suppressions", rows)
