"""How the dashboard is started: Streamlit as a process of its own, from any working directory.

The theme is `.streamlit/config.toml` beside `app.py`, which Streamlit finds by the script's place. The process needs, in its
environment, `DATABASE_URL`, `CALLWRIGHT_API_URL` (the media server, for commands) and `CALLWRIGHT_PUBLIC_URL` (the media
server as browsers reach it: sign-in and recordings).
"""

import sys
from pathlib import Path

_APP = Path(__file__).parent / "app.py"
_OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "200",  # MB: a million contacts
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showSidebarNavigation": "true",
    "runner.postScriptGC": "false",  # all objects looked at after each refresh, 60 ms while nothing else runs: Python collects by itself
}


def command(port: int, host: str = "127.0.0.1") -> list[str]:
    """The command line that serves the dashboard on `host` and `port`."""
    options = {**_OPTIONS, "server.port": str(port), "server.address": host}
    return [sys.executable, "-m", "streamlit", "run", str(_APP), *(part for key, value in options.items() for part in (f"--{key}", value))]
