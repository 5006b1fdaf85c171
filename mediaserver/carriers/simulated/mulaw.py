"""G.711 mu-law by table (ITU-T G.711). The network's own: it shares no code with the side that it rehearses."""

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000
FRAME_MS = 20
FRAME_BYTES = SAMPLE_RATE * FRAME_MS // 1000
SILENCE = b"\xff" * FRAME_BYTES

_BIAS, _CLIP = 132, 32635


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    magnitude = ((mantissa << 3) + _BIAS << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """A code for each of the 65536 values of an int16, indexed by its bits."""
    pcm = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(pcm), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    sign = np.where(pcm < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return code.astype(np.uint8)


_DECODE = _decode_table()
_ENCODE = _encode_table()
_LOUDNESS = np.abs(_DECODE.astype(np.float32))


def encode(pcm: bytes) -> bytes:
    """Mu-law, one byte a sample, of int16 little-endian PCM."""
    return _ENCODE[np.frombuffer(pcm, np.uint16)].tobytes()


def decode(mulaw: bytes) -> bytes:
    """Int16 little-endian PCM of mu-law."""
    return _DECODE[np.frombuffer(mulaw, np.uint8)].tobytes()


def loudness(mulaw: bytes) -> float:
    """Mean amplitude, 0 to 32124; 0 of nothing."""
    return float(_LOUDNESS[np.frombuffer(mulaw, np.uint8)].mean()) if mulaw else 0.0
