"""G.711 mu-law, by tables: a byte for each sample at 8 kHz. Source: ITU-T G.711, table 2."""

import numpy as np
from numpy.typing import NDArray

BIAS = 132
CLIP = 32635
SILENCE = 0xFF  # the code of the sample 0

Codes = NDArray[np.uint8]
Samples = NDArray[np.int16]


def _decoding() -> Samples:
    codes = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (codes >> 4) & 7, codes & 0xF
    magnitude = ((mantissa.astype(np.int32) << 3) + BIAS << exponent.astype(np.int32)) - BIAS
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding() -> Codes:
    """The code of each 16-bit sample, indexed by the sample read as unsigned."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(samples), CLIP) + BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0xF
    codes: Codes = (~(np.where(samples < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


_DECODED: Samples = _decoding()
_ENCODED: Codes = _encoding()


def decode(mulaw: bytes | bytearray | memoryview) -> Samples:
    """The samples of `mulaw`, shape (len(mulaw),), int16."""
    return _DECODED[np.frombuffer(mulaw, np.uint8)]


def encode(pcm: bytes) -> bytes:
    """The mu-law of 16-bit little-endian PCM: one byte a sample.

    Raises:
        ValueError: half a sample at the end.
    """
    return _ENCODED[np.frombuffer(pcm, np.uint16)].tobytes()
