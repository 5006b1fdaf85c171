"""`python -m dashboard --port 8501`: this process becomes the dashboard."""

import argparse
import os
import sys

from dashboard.launch import command

REQUIRED = ("DATABASE_URL", "CALLWRIGHT_API_URL", "CALLWRIGHT_PUBLIC_URL")


def main() -> None:
    """Checks the environment and replaces this process by Streamlit."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Serves the dashboard.")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--host", default="127.0.0.1")
    chosen = parser.parse_args()
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        sys.exit(f"The dashboard needs {', '.join(missing)} in its environment. `callwright up` starts it with all of them.")
    arguments = command(chosen.port, chosen.host)
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    main()
