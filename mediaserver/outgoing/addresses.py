"""Where messages may go. An endpoint's name may lead anywhere, also into this machine or its network: what counts is the address at the
moment of connecting, and none but public ones are connected to, unless the settings allow private ones too.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

LONGEST = 2000
_THREADS = 8  # of their own: names that take long must not hold up what else runs in threads
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allows = Callable[[Address], bool]


class InvalidAddress(ValueError):
    """Messages can't be sent there; the message says what to enter instead."""


class AddressRefused(OSError):
    """The address that a name leads to may not be connected to."""


def checked(url: str, *, private_allowed: bool) -> str:
    """The address of an endpoint as it is kept.

    Raises:
        InvalidAddress
    """
    if len(url) > LONGEST or any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidAddress(f"use an address without spaces, of at most {LONGEST} characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidAddress("this is no address: use one such as https://example.com/webhooks") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InvalidAddress("use an address such as https://example.com/webhooks")
    if parts.scheme == "http" and not private_allowed:
        raise InvalidAddress("use https: what is sent holds phone numbers and what was said")
    if parts.username is not None or parts.password is not None:
        raise InvalidAddress("leave user and password out: each message is signed, see docs/webhooks.md")
    if parts.fragment:
        raise InvalidAddress("leave out what follows the #: it is never sent")
    literal = literal_address(parts.hostname)
    if literal is not None and not allows(parts.scheme, private_allowed)(literal):
        raise InvalidAddress(refusal(parts.scheme, literal))
    return url


def allows(scheme: str, private_allowed: bool) -> Allows:
    """Which addresses may be connected to: public ones by https; where private ones are allowed those too, and by http only those."""
    if not private_allowed:
        return is_public
    return (lambda address: not is_public(address)) if scheme == "http" else (lambda _: True)


def refusal(scheme: str, address: Address) -> str:
    """Why it may not be connected to, and what to do."""
    if is_public(address):
        return f"{address} is a public address: use https"
    return f"{address} is a private address: use a public one, or allow private ones with CALLWRIGHT_WEBHOOKS_PRIVATE=1"


def is_public(address: Address) -> bool:
    """Whether it is of the open internet; one that carries another (IPv4 in IPv6) is what that is."""
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal_address(host: str) -> Address | None:
    """The address that a host is, None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


class GuardedResolver(AbstractResolver):
    """Names to addresses, none but those that `allowed` lets pass."""

    def __init__(self, scheme: str, allowed: Allows) -> None:
        self._scheme, self._allowed = scheme, allowed
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Raises OSError: nobody knows the name. AddressRefused: it leads nowhere else than where nothing may go."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        refused: Address | None = None
        results: list[ResolveResult] = []
        for family_found, _, proto, _, sockaddr in found:
            text = str(sockaddr[0])
            address = literal_address(text)
            if address is None or not self._allowed(address):
                refused = address or refused
                continue
            results.append(
                ResolveResult(hostname=host, host=text, port=port, family=family_found, proto=proto, flags=socket.AI_NUMERICHOST)
            )
        if not results:
            raise AddressRefused(f"{host} leads nowhere" if refused is None else f"{host} leads to {refusal(self._scheme, refused)}")
        return results

    async def close(self) -> None:
        """Let go of the threads; a name that still takes long is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
