"""Which ports the processes of one machine listen on: those that are wanted where nobody has them, else free ones.

Between the choice of a port and the moment that a child listens there pass seconds, in which another `callwright up` must not choose
it too. So each choice is claimed by a name that only one process of this network can have (Linux: an abstract Unix socket), and
that the kernel gives back however that process ends.
"""

import socket
import sys

DASHBOARD_PORT = 8501


class Ports:
    """The ports of one machine on the loopback interface, claimed until `give_back`."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def choose(self, wanted: int) -> int:
        """`wanted`, or where somebody has it, or it is 0, a free port."""
        port = _bindable(wanted)
        while port is None or not self._claim(port):
            port = _bindable(0)
        return port

    def give_back(self) -> None:
        """Others may choose them. May be called twice."""
        while self._claims:
            self._claims.pop().close()

    def _claim(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0callwright-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True


def _bindable(wanted: int) -> int | None:
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return None
        port: int = probe.getsockname()[1]
        return port
