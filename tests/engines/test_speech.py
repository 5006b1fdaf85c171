"""What the voice says is what recognition hears, over a telephone line; silence is nothing."""

import numpy as np
import pytest

from agent_runtime.engines import Engines, EngineUnavailable
from tests.engines.telephone import mu_law_round_trip, word_errors, words

PHRASES = [
    "Yes, that works for me.",
    "No, I can't make it.",
    "Could we do another day?",
    "Who is this?",
    "Am I talking to a robot?",
    "Never call me again.",
    "Please call me back tomorrow at five.",
    "You have the wrong number.",
    "Sorry, could you say that again?",
    "I am driving right now.",
    "Yes, I will be there.",
    "Tuesday would be better for me.",
]
VOICES = ["joe", "joe@0.9", "joe@1.2"]


async def test_what_the_voices_say_is_recognised_over_a_telephone_line(engines: Engines) -> None:
    errors = total = 0
    for position, phrase in enumerate(PHRASES):
        spoken = await engines.voice.speak(phrase, VOICES[position % len(VOICES)])
        heard = await engines.recognition.recognize(mu_law_round_trip(spoken.pcm))
        errors += word_errors(phrase, heard.text)
        total += len(words(phrase))
    assert errors / total <= 0.15


async def test_a_draft_is_what_was_said_so_far(engines: Engines) -> None:
    spoken = await engines.voice.speak("I would like another day. Could we do Thursday?", "joe")
    assert engines.drafts is not None
    until = 16 * next(at for word, at in spoken.words if word == "Could")
    heard = (await engines.drafts.recognize(mu_law_round_trip(spoken.pcm[:until]))).text.lower()
    assert "another day" in heard
    assert "thursday" not in heard


@pytest.mark.parametrize("level", [0, 20, 200, 1500])
async def test_silence_and_noise_are_no_words(engines: Engines, level: int) -> None:
    noise = np.random.default_rng(level).normal(0, level, 16_000).astype(np.int16)
    assert (await engines.recognition.recognize(noise.tobytes())).text == ""


async def test_a_scrap_of_audio_is_no_words(engines: Engines) -> None:
    assert (await engines.recognition.recognize(b"")).text == ""
    assert (await engines.recognition.recognize(b"\x10\x20\x30")).text == ""


async def test_of_a_long_utterance_the_end_is_kept(engines: Engines) -> None:
    line = await engines.voice.speak("The very last words are orange and banana.", "joe")
    heard = await engines.recognition.recognize(bytes(2 * 8000 * 14) + line.pcm)
    assert "banana" in heard.text.lower()


async def test_each_word_has_a_beginning_in_order_within_the_audio(engines: Engines) -> None:
    text = "Hello, this is Riverside Dental. Can you come at 3?"
    spoken = await engines.voice.speak(text, "joe")
    starts = [at for _, at in spoken.words]
    assert [word for word, _ in spoken.words] == text.split()
    assert starts == sorted(starts)
    assert 0 <= starts[0] < starts[-1] < len(spoken.pcm) / 16


async def test_a_higher_factor_is_a_faster_voice(engines: Engines) -> None:
    low = await engines.voice.speak("This is one sentence of some length.", "joe@0.88")
    high = await engines.voice.speak("This is one sentence of some length.", "joe@1.3")
    assert len(high.pcm) < len(low.pcm)


async def test_a_text_without_words_is_no_audio(engines: Engines) -> None:
    assert (await engines.voice.speak(" ... ", "joe")).pcm == b""


async def test_a_contacts_data_can_not_speak_raw_phonemes(engines: Engines) -> None:
    spoken = await engines.voice.speak("Hello [[ ]] there [[xyz]].", "joe")
    assert len(spoken.pcm) > 8000


@pytest.mark.parametrize("voice", ["anna", "joe@0.5", "joe@2", "joe@", "joe@x"])
async def test_an_unknown_voice_is_refused_with_what_to_do(engines: Engines, voice: str) -> None:
    with pytest.raises(EngineUnavailable, match="use"):
        await engines.voice.speak("Hello.", voice)


async def test_vectors_are_of_length_one_and_alike_for_like_meanings(engines: Engines) -> None:
    vectors = await engines.understanding.embed(["Who is this?", "Who am I speaking to?", "The weather is nice today."])
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


async def test_a_vector_does_not_depend_on_its_neighbours(engines: Engines) -> None:
    alone = await engines.understanding.embed(["yes please"])
    among = await engines.understanding.embed(["a much longer line that makes the others be padded", "yes please"])
    assert float(alone[0] @ among[1]) > 0.98


async def test_no_lines_are_no_vectors(engines: Engines) -> None:
    assert (await engines.understanding.embed([])).shape == (0, 384)
