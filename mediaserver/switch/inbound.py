"""The callee's last ten seconds, as mu-law bytes in a ring: one byte is one sample at 8 kHz."""

CAPACITY = 10 * 8000


class Inbound:
    """A ring that forgets the oldest. Positions are in samples since the leg began to receive."""

    def __init__(self) -> None:
        self._ring = bytearray(CAPACITY)
        self.received = 0

    def append(self, mulaw: bytes) -> None:
        """Take in audio; of more than the ring holds, the last part is kept."""
        kept = mulaw[-CAPACITY:]
        self.received += len(mulaw)
        start = (self.received - len(kept)) % CAPACITY
        end = start + len(kept)
        if end <= CAPACITY:
            self._ring[start:end] = kept
        else:
            first = CAPACITY - start
            self._ring[start:] = kept[:first]
            self._ring[: end - CAPACITY] = kept[first:]

    @property
    def oldest(self) -> int:
        return max(0, self.received - CAPACITY)

    def between(self, start: int, end: int) -> bytes:
        """The mu-law from position `start` to `end`, as far as it is still kept and was received."""
        start, end = max(start, self.oldest), min(end, self.received)
        if start >= end:
            return b""
        first, last = start % CAPACITY, end % CAPACITY
        if first < last:
            return bytes(self._ring[first:last])
        return bytes(self._ring[first:] + self._ring[:last])
