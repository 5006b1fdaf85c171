"""`make test`: says first what can't run on this machine and how to mend it, then runs pytest."""

import os
import sys

import pytest

from tests.chromium import INSTALL_COMMAND, find_chromium


def main(arguments: list[str]) -> int:
    """Runs the tests that `arguments` name (all, without any) and returns pytest's exit code."""
    chromium = find_chromium()
    if chromium is None:
        print(
            "Chromium is not on this machine: the tests under tests/browser will not run.",
            f"Install it with\n    {INSTALL_COMMAND}\n",
            flush=True,
        )
    code = int(pytest.main([*_spread(arguments), *arguments]))
    if chromium is None:
        print(f"\nNot run, for want of Chromium: tests/browser. Install it with: {INSTALL_COMMAND}", flush=True)
    return code


def _spread(arguments: list[str]) -> list[str]:
    """Two processes, each test file in one of them; one process where the caller chose which tests to see."""
    chosen = any(a.startswith(("-n", "--dist", "-x", "--pdb", "-k")) or "::" in a for a in arguments)
    return [] if chosen else ["-n", os.environ.get("CALLWRIGHT_TEST_PROCESSES", "2"), "--dist", "loadfile", "--no-loadscope-reorder"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
