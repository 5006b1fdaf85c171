"""A line that was spoken once is not rendered again, and a damaged file never reaches a caller."""

import asyncio
import logging
from pathlib import Path

import pytest

from agent_runtime.engines import EngineUnavailable, Spoken
from agent_runtime.local.engines import VOICE, LocalEngines
from agent_runtime.local.speech_cache import SpeechCache


class CountingVoice:
    """Says how often it was asked."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.asked: list[str] = []
        self.seconds = seconds

    async def speak(self, text: str, voice: str) -> Spoken:
        self.asked.append(text)
        await asyncio.sleep(0)
        if text == "broken":
            raise EngineUnavailable("no voice today")
        return Spoken(f"{voice}:{text}".encode() * int(self.seconds * 1000), ((text, 0),))


def files(directory: Path) -> list[Path]:
    return list(directory.glob("*/*"))


async def test_a_line_is_rendered_once_and_is_the_same_again(tmp_path: Path) -> None:
    voice = CountingVoice()
    first = await SpeechCache(tmp_path, voice, "1").speak("Hello.", "joe")
    again = await SpeechCache(tmp_path, voice, "1").speak("Hello.", "joe")  # another process, later
    assert again == first
    assert voice.asked == ["Hello."]


async def test_voice_text_and_engine_version_make_a_line(tmp_path: Path) -> None:
    voice = CountingVoice()
    await SpeechCache(tmp_path, voice, "1").speak("Hello.", "joe")
    await SpeechCache(tmp_path, voice, "1").speak("Hello.", "joe@1.1")
    await SpeechCache(tmp_path, voice, "1").speak("Hello!", "joe")
    await SpeechCache(tmp_path, voice, "2").speak("Hello.", "joe")
    assert len(voice.asked) == 4


async def test_a_line_asked_for_by_many_at_once_is_rendered_once(tmp_path: Path) -> None:
    voice = CountingVoice()
    cache = SpeechCache(tmp_path, voice, "1")
    lines = await asyncio.gather(*(cache.speak("Hello.", "joe") for _ in range(20)))
    assert len(set(lines)) == 1
    assert voice.asked == ["Hello."]


async def test_one_who_leaves_does_not_take_the_line_from_the_others(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, CountingVoice(), "1")
    leaves, stays = (asyncio.create_task(cache.speak("Hello.", "joe")) for _ in range(2))
    await asyncio.wait([leaves], timeout=0)
    leaves.cancel()
    assert (await stays).words == (("Hello.", 0),)


@pytest.mark.parametrize("keep", [0, 20, 40])
async def test_a_damaged_file_is_rendered_again(tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture) -> None:
    voice = CountingVoice()
    cache = SpeechCache(tmp_path, voice, "1")
    first = await cache.speak("A private line.", "joe")
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:keep])
    with caplog.at_level(logging.DEBUG):
        assert await cache.speak("A private line.", "joe") == first
    assert len(voice.asked) == 2
    assert "private" not in caplog.text
    assert await cache.speak("A private line.", "joe") == first  # and it is whole again
    assert len(voice.asked) == 2


async def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    voice = CountingVoice()
    cache = SpeechCache(tmp_path, voice, "1")
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await cache.speak("broken", "joe")
    assert len(voice.asked) == 2
    assert files(tmp_path) == []


async def test_without_a_place_to_write_the_line_is_spoken_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the directory should be")
    spoken = await SpeechCache(tmp_path / "taken", CountingVoice(), "1").speak("Hello.", "joe")
    assert spoken.words == (("Hello.", 0),)


async def test_the_directory_does_not_grow_without_bound(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, CountingVoice(seconds=8), "1", most_mb=1)
    await cache.prepare([f"line {number:04}" for number in range(200)], "joe")
    kept = sum(file.stat().st_size for file in files(tmp_path))
    assert 0 < kept <= 1_000_000


async def test_the_local_engines_keep_their_lines_there(tmp_path: Path) -> None:
    first = LocalEngines(speech_cache=tmp_path)
    spoken = await (await first.start([VOICE])).voice.speak("Hello.", "joe")
    await first.stop()
    (file,) = files(tmp_path)
    assert file.stat().st_size > len(spoken.pcm)
    second = LocalEngines(speech_cache=tmp_path)
    assert await (await second.start([VOICE])).voice.speak("Hello.", "joe") == spoken
    await second.stop()
