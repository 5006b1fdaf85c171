import pytest

from mediaserver.switch.voice import SpeechModel


@pytest.fixture(scope="session")
def model() -> SpeechModel:
    return SpeechModel.load()
