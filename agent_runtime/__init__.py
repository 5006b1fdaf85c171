"""The agent on a phone line: engines, brains, and the story of one call. Knows no database and no carrier."""

import os

os.environ.setdefault("LOGURU_AUTOINIT", "0")  # Pipecat greets on its log when it is imported, and would log transcripts after that
