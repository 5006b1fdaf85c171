"""The dialer in virtual time, on the real PostgreSQL: seeded worlds with faults, and a checker that reads their whole history."""
