"""Where the browser of the tests is, and how to get it."""

import os
import shutil

INSTALL_COMMAND = "apt-get install -y chromium"


def find_chromium() -> str | None:
    """The Chromium that CALLWRIGHT_CHROMIUM names, or the first one on the PATH."""
    named = os.environ.get("CALLWRIGHT_CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
