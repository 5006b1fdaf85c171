"""Draws docs/states.md from the tables: `python -m dialer.states_page`."""

from pathlib import Path

from dialer.lifecycle import ALLOWED_IN, TABLES, CampaignStatus, diagram

PATH = Path(__file__).parent.parent / "docs" / "states.md"

_TITLES = {"campaign": "A campaign", "contact": "A contact", "call": "A call"}


def states_page() -> str:
    """The whole page, in Markdown."""
    parts = [
        "# States\n\nDrawn from `dialer/lifecycle.py` by `python -m dialer.states_page`; the database refuses every other transition.\n"
    ]
    parts += [f"## {_TITLES[thing]}\n\n```mermaid\n{diagram(thing)}\n```\n" for thing in TABLES]
    header = "| action | " + " | ".join(CampaignStatus) + " |\n| --- |" + " --- |" * len(CampaignStatus)
    rows = [f"| {action} | " + " | ".join("yes" if s in ok else "" for s in CampaignStatus) + " |" for action, ok in ALLOWED_IN.items()]
    parts.append("## What an operator may do\n\n" + "\n".join([header, *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(states_page(), encoding="utf-8")
