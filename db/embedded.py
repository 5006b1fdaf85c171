"""The PostgreSQL of a fresh machine: binaries from a wheel, run as our direct child, on the loopback interface only.

What belongs to it in the data directory: `postgres.json` (address and password, mode 0600), `postgres.log`, `postgres.lock`,
and the cluster itself in `postgres/`. PostgreSQL refuses to run as root; where we are root it runs as the owner of the data
directory or as `nobody`, and what that user could not reach (homes and temporary folders have mode 0700) lies below
/var/lib/callwright instead: `postgres.json` says where.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import asyncpg
import msgspec
import psutil

from db.embedded_home import Identity, Programs, choose_identity, find_programs, home_for
from db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

USER = DATABASE = "callwright"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # loaded here: the forked child must not load anything

# What PostgreSQL says -> what to do. The first that fits is told.
_EXPLANATIONS = (
    ("No space left on device", "the disk is full: free some space and start again"),
    ("Disk quota exceeded", "the disk quota is used up: free some space and start again"),
    ("Permission denied", "its files may not be read or written by its user: give the data directory back to the user that created it"),
    (
        "was initialized by PostgreSQL version",
        "it was made by another version: dump it with that version, or use another CALLWRIGHT_DATA_DIR",
    ),
    ("could not create shared memory segment", "the machine has no shared memory left: free some, or enlarge /dev/shm"),
)


class Connection(msgspec.Struct):
    """`postgres.json`: how to reach the embedded database. `home`: where its cluster lies; `pid`: its last postmaster."""

    home: str
    password: str
    port: int = 0
    pid: int = 0

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


def attached_url(data_dir: Path) -> str:
    """The address of the embedded database that another process (`callwright up`) runs on `data_dir`.

    Raises:
        DatabaseUnavailable: none runs there.
    """
    known = _read_connection(data_dir)
    if known is None or not known.pid or not _is_postmaster(known.pid, Path(known.home) / "pgdata"):
        raise DatabaseUnavailable(f"no database runs on {data_dir}: start `callwright up` there, or set DATABASE_URL")
    return known.url


class EmbeddedPostgres:
    """One cluster on one data directory. `options`: server settings on top of ours, such as {"fsync": "off"} for tests.

    The child gets SIGINT when the thread that called `start` ends, however it ends: call it from the main thread.
    """

    start_limit_s = 300.0  # recovery after a crash replays the log first
    stop_limit_s = 30.0

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._identity: Identity | None = None
        self._lock: BinaryIO | None = None

    @property
    def pid(self) -> int:
        """Process id of the postmaster; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> str:
        """Make the cluster if it is not there, start it (after a crash: recover it), and return its address once it accepts connections.

        Raises:
            DatabaseUnavailable: it runs already, or can't run here; the message says why and what to do.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
            self._take_lock()
            connection, programs = self._prepare()
            if not (self._cluster / "PG_VERSION").exists():
                await asyncio.to_thread(_make_cluster, programs, self._cluster, connection.password, self._identity)
        except OSError as error:
            self._release_lock()
            raise DatabaseUnavailable(f"the database on {self._data_dir} can't start: {error}: {what_to_do(str(error))}") from error
        except BaseException:  # whatever ends the start also gives the lock back
            self._release_lock()
            raise
        try:
            await self._run(programs)
            await _create_database(connection)
        except BaseException:  # also when cancelled: a child that nobody knows of must not stay
            await self.stop()
            raise
        return connection.url

    async def stop(self) -> None:
        """Stop it, in the manner that needs no recovery at the next start. May be called twice."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.to_thread(process.wait, self.stop_limit_s)
            except subprocess.TimeoutExpired:
                log.warning("the database did not stop within %.0f s: killed, it will recover at the next start", self.stop_limit_s)
                process.kill()
                await asyncio.to_thread(process.wait)
        self._release_lock()

    async def supervise(self, restarted: Callable[[], None] | None = None) -> None:
        """Watch it until cancelled or stopped, and start it again, at the same port, when it dies. `restarted` is called each time.

        Where it can't start (the disk is full), the log says why, and it is tried again after a pause, at most half a minute.
        """
        pause = 1.0
        while (process := self._process) is not None:
            if process.poll() is None:
                await asyncio.sleep(0.2)
                continue
            log.error("the database ended with %s: starting it again", process.returncode)
            try:
                await self._run(self._prepare()[1])
            except (DatabaseUnavailable, OSError) as error:
                log.error("%s; next try in %.0f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
                continue
            pause = 1.0
            if restarted is not None:
                restarted()

    async def destroy(self) -> None:
        """Stop it and delete the cluster with everything in it."""
        await self.stop()
        known = _read_connection(self._data_dir)
        if known is not None:
            await asyncio.to_thread(shutil.rmtree, known.home, ignore_errors=True)
        for name in ("postgres.json", "postgres.log"):
            (self._data_dir / name).unlink(missing_ok=True)

    @property
    def _cluster(self) -> Path:
        assert self._connection is not None
        return Path(self._connection.home) / "pgdata"

    def _take_lock(self) -> None:
        """The one process that may run this cluster holds the lock; the kernel gives it back when that process dies."""
        self._lock = (self._data_dir / "postgres.lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseUnavailable(
                f"the database on {self._data_dir} is run by another process already: stop that one, choose another CALLWRIGHT_DATA_DIR, "
                "or use `callwright serve`, which attaches to it"
            ) from error

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _prepare(self) -> tuple[Connection, Programs]:
        """Who runs it, where it lies, and with which programs; a postmaster that outlived its parent is stopped."""
        known = _read_connection(self._data_dir)
        self._identity = choose_identity(self._data_dir, Path(known.home) if known else None)
        programs = find_programs(self._identity)
        if known is None:
            known = Connection(home=str(home_for(self._data_dir, self._identity)), password=secrets.token_urlsafe(24))
            _write_connection(self._data_dir, known)
        self._connection = known
        marker = self._cluster / "PG_VERSION"
        made_by = marker.read_text().strip() if marker.exists() else programs.major
        if made_by != programs.major:
            raise DatabaseUnavailable(
                f"the database on {self._data_dir} was made by PostgreSQL {made_by}, but {programs.major} is installed: "
                "install the old version to dump it, or use another CALLWRIGHT_DATA_DIR"
            )
        _stop_orphan(self._cluster, self.stop_limit_s)
        return known, programs

    async def _run(self, programs: Programs) -> None:
        """Start the postmaster, again with another port if that one is taken, until it accepts."""
        assert self._connection is not None
        deadline = asyncio.get_running_loop().time() + self.start_limit_s
        self._connection.port = self._connection.port or _free_port()
        log_path = self._data_dir / "postgres.log"
        while True:
            offset = log_path.stat().st_size if log_path.exists() else 0
            self._process = self._spawn(programs, log_path)
            self._connection.pid = self._process.pid
            _write_connection(self._data_dir, self._connection)
            if await _accepts(self._process, self._connection, deadline):
                return
            said = _read_from(log_path, offset)
            if "Address already in use" in said or "could not create any TCP/IP sockets" in said:
                self._connection.port = _free_port()
            elif "still in use" not in said and "lock file" not in said:  # these two pass: a dying predecessor still holds on
                raise DatabaseUnavailable(f"the database on {self._data_dir} did not start: {what_to_do(said)} (its log: {log_path})")
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseUnavailable(f"the database on {self._data_dir} did not start in {self.start_limit_s:.0f} s: see {log_path}")
            await asyncio.sleep(0.1)

    def _spawn(self, programs: Programs, log_path: Path) -> subprocess.Popen[bytes]:
        assert self._connection is not None
        identity = self._identity
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._connection.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "jit": "off",  # our statements are short: compiling them costs more than it saves
            "log_error_verbosity": "terse",  # details of an error quote the row, and rows hold personal data
            **self._options,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(log_path, "ab", opener=_private) as sink:
            return subprocess.Popen(  # preexec_fn does nothing but two system calls through a library that is loaded
                [programs.postgres, "-D", str(self._cluster), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C at the terminal is for us: the database is stopped last
                preexec_fn=_die_with(os.getpid()),
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
            )


def _die_with(parent: int) -> Callable[[], None]:
    """For the forked child: ask the kernel for SIGINT when the parent dies (Linux only), and leave if that has happened already."""

    def ask() -> None:
        if hasattr(_libc, "prctl"):
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _make_cluster(programs: Programs, cluster: Path, password: str, identity: Identity | None) -> None:
    """initdb beside the final place, then one rename: a cluster is there completely or not at all.

    Raises:
        DatabaseUnavailable: initdb failed.
    """
    half, password_file = cluster.with_name("pgdata.half"), cluster.with_name("password")
    shutil.rmtree(half, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    with open(password_file, "x", opener=_private) as file:
        file.write(password)
    if identity is not None:
        os.chown(password_file, identity.uid, identity.gid)
    try:
        command = [programs.initdb, "-D", str(half), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(password_file)]
        done = subprocess.run(
            [*command, "-E", "UTF8", "--no-locale", "--no-instructions"],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            check=False,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        raise DatabaseUnavailable(f"the database could not be made in {cluster}: {what_to_do(done.stderr)}")
    half.rename(cluster)


async def _accepts(process: subprocess.Popen[bytes], connection: Connection, deadline: float) -> bool:
    """True once it takes connections; False if it ended, or the time is over, before that."""
    while process.poll() is None and asyncio.get_running_loop().time() < deadline:
        try:
            probe = await asyncpg.connect(_maintenance_url(connection), timeout=1)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError):
            await asyncio.sleep(0.03)
        except asyncpg.InvalidPasswordError as error:
            if process.poll() is not None:  # another server answered at that port
                return False
            raise DatabaseUnavailable("the password in postgres.json is not the database's: restore that file from a backup") from error
        else:
            await probe.close()
            return process.poll() is None
    return False


async def _create_database(connection: Connection) -> None:
    maintenance = await asyncpg.connect(_maintenance_url(connection))
    try:
        if not await maintenance.fetchval("select exists (select from pg_database where datname = $1)", DATABASE):
            await maintenance.execute(f"create database {DATABASE}")
    finally:
        await maintenance.close()


def _maintenance_url(connection: Connection) -> str:
    return connection.url.removesuffix(DATABASE) + "postgres"


def _stop_orphan(cluster: Path, limit_s: float) -> None:
    """A postmaster of this cluster whose parent was killed: we hold the lock, so nobody else has it, and its port is not ours to know."""
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if not _is_postmaster(pid, cluster):
        return
    log.warning("the database still runs without its parent (process %d): stopping it first", pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        orphan = psutil.Process(pid)
        orphan.send_signal(signal.SIGINT)
        try:
            orphan.wait(limit_s)
        except psutil.TimeoutExpired as error:
            raise DatabaseUnavailable(f"an old database process ({pid}) does not stop: end it with `kill -QUIT {pid}`") from error


def _is_postmaster(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == cluster.resolve()
    except psutil.Error:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def what_to_do(said: str) -> str:
    """What PostgreSQL or the system said, as something that a person can act on."""
    for words, advice in _EXPLANATIONS:
        if words in said:
            return advice
    lines = [line for line in said.strip().splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (telling or lines or ["it said nothing"])[-1].strip()


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(100_000).decode(errors="replace")


def _read_connection(data_dir: Path) -> Connection | None:
    path = data_dir / "postgres.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Connection)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise DatabaseUnavailable(f"{path} is another user's: run this as the user that started `callwright up`") from error
    except msgspec.DecodeError as error:
        raise DatabaseUnavailable(f"{path} is damaged: restore it from a backup, or use another CALLWRIGHT_DATA_DIR") from error


def _write_connection(data_dir: Path, connection: Connection) -> None:
    """Whole or not at all: it holds the only copy of the password."""
    fresh = data_dir / "postgres.json.new"
    with open(fresh, "wb", opener=_private) as file:
        file.write(msgspec.json.encode(connection))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(data_dir / "postgres.json")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
