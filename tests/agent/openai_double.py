"""A language model's endpoint that speaks OpenAI's streaming chat protocol (server-sent events), with replies that a test gives."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Say:
    """A reply of words, streamed word by word; then the function calls, each with its arguments in two pieces."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, str]], ...] = ()


@dataclass
class ModelDouble:
    """`replies` are given one after the other; None: the reply never comes. `requests`: the bodies that were sent."""

    replies: list[Say | None]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.asked.set()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        reply = self.replies.pop(0) if self.replies else Say("I have nothing more to say.")
        if reply is None:
            await asyncio.Event().wait()
            raise AssertionError("the event is never set")
        for chunk in _chunks(reply):
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


def _chunks(reply: Say) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word + " "} for word in reply.text.split()]
    for index, (name, arguments) in enumerate(reply.calls):
        text = json.dumps(arguments)
        half = len(text) // 2
        deltas.append(_call(index, {"name": name, "arguments": text[:half]}, id=f"call_{name}_{index}", type="function"))
        deltas.append(_call(index, {"arguments": text[half:]}))
    chunks = [_chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    chunks.append(_chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls" if reply.calls else "stop"}]))
    chunks.append(_chunk([], usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}))
    return chunks


def _call(index: int, function: dict[str, str], **more: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": function, **more}]}


def _chunk(choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "double", "choices": choices, **more}


@asynccontextmanager
async def serving(*replies: Say | None) -> AsyncIterator[ModelDouble]:
    """A model on a free port, for as long as the block runs."""
    double = ModelDouble(list(replies))
    application = web.Application()
    application.router.add_post("/v1/chat/completions", double.complete)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield double
    finally:
        await runner.cleanup()
