"""`make test` on a machine without a browser says so first, and says at the end what did not run."""

import os
import subprocess
import sys
from pathlib import Path

from tests.chromium import INSTALL_COMMAND

ROOT = Path(__file__).parents[1]


def run_without_chromium(*arguments: str) -> str:
    environment = {**os.environ, "CALLWRIGHT_CHROMIUM": "/nowhere/chromium"}
    command = [sys.executable, "-m", "tests", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_missing_browser_is_told_before_anything_else_and_what_did_not_run_at_the_end() -> None:
    lines = run_without_chromium("-k", "longer_than_600", "tests/test_code_budget.py").splitlines()
    assert "Chromium is not on this machine" in lines[0]
    assert any(INSTALL_COMMAND in line for line in lines[:3])
    assert "Not run" in lines[-1]
    assert "tests/browser" in lines[-1]
