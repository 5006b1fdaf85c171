"""Sentence vectors on this machine: all-MiniLM-L6-v2, int8, on ONNX Runtime, one thread."""

from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers
from numpy.typing import NDArray

from agent_runtime.local import models
from agent_runtime.local.frames import EmbedRequest, Request

LONGEST = 128  # tokens; what was said in one breath is far shorter


class MiniLm:
    """One model in this process; `embed` computes on the calling thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load the model. `folder`: as in `models.locate`.

        Raises:
            EngineUnavailable: a model file is missing or altered.
        """
        model, tokenizer = models.locate(models.MINILM, folder), models.locate(models.MINILM_TOKENIZER, folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
        self._wants = {given.name for given in self._session.get_inputs()}
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()
        self.version = f"minilm {models.MINILM.sha256[:12]}"

    def warm_up(self) -> None:
        """The first call allocates; do it before a caller waits."""
        self.embed(["hello"])

    def embed(self, lines: list[str]) -> NDArray[np.float32]:
        """A unit vector for each line, shape (len(lines), 384): the mean of its tokens' vectors, normalised."""
        if not lines:
            return np.zeros((0, 384), np.float32)
        encoded = self._tokenizer.encode_batch(lines)
        ids = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        tokens = self._session.run(None, {name: value for name, value in given.items() if name in self._wants})[0]
        weights = mask[..., None].astype(np.float32)
        mean = (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        unit: NDArray[np.float32] = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return unit.astype(np.float32)

    def serve(self, request: Request) -> object:
        """The answer to a EmbedRequest, for the worker process."""
        if not isinstance(request, EmbedRequest):
            raise TypeError(f"not a request for understanding: {type(request).__name__}")
        return self.embed(request.lines).tobytes()
