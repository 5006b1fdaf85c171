"""The dashboard starts from anywhere, and says what it lacks."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from dashboard.launch import command


def test_without_its_addresses_it_names_them_and_ends(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CALLWRIGHT_", "DATABASE_URL"))}
    environment["DATABASE_URL"] = "postgresql://127.0.0.1/none"
    ran = subprocess.run(
        [sys.executable, "-m", "dashboard", "--port", "0"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "needs CALLWRIGHT_API_URL, CALLWRIGHT_PUBLIC_URL in its environment" in ran.stderr


def test_the_theme_lies_beside_the_script_that_is_started_and_has_a_light_and_a_dark_side() -> None:
    script = Path(command(8501)[4])
    theme = tomllib.loads((script.parent / ".streamlit" / "config.toml").read_text())["theme"]
    assert {"light", "dark"} <= theme.keys()
    assert theme["light"].keys() == theme["dark"].keys()
