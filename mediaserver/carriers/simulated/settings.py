"""How the simulated network behaves: one frozen object, from the command line and the environment.

Variables are named CALLWRIGHT_PHONES_*; the credentials as our side has them, TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, so that a
token need not stand on a command line.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class NetworkSettings(BaseSettings):
    """The knobs of a simulated phone network. Shares are probabilities, 0 to 1. Times in ms unless named otherwise."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="CALLWRIGHT_PHONES_",
        cli_prog_name="callwright phones",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        env_ignore_empty=True,
        cli_hide_none_type=True,
    )

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8090, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    account_sid: str = Field(
        default="AC" + "0" * 32,
        pattern=r"^AC[0-9a-f]{32}$",
        validation_alias=AliasChoices("account_sid", "TWILIO_ACCOUNT_SID"),
        description="the account that may place calls",
    )
    auth_token: str = Field(
        default="rehearsal",
        min_length=1,
        validation_alias=AliasChoices("auth_token", "TWILIO_AUTH_TOKEN"),
        description="its token; callbacks are signed with it",
    )
    caller_numbers: tuple[str, ...] = Field(default=(), description="numbers of the account; none: any valid number may call")
    seed: int = Field(default=1, description="of everything that is left to chance; the same seed gives the same network")
    people: Path | None = Field(default=None, description="TOML file that says who is at which number")
    journal: Path | None = Field(default=None, description="file for the network's own record of each call, one JSON line a call")
    speech_cache: Path | None = Field(default=None, description="directory that keeps people's spoken lines")
    tones: bool = Field(
        default=False, description="people beep instead of speaking, and take everything for a question; needs no speech engines"
    )

    calls_per_second: float = Field(default=1.0, gt=0, description="calls started per second; what is over it is queued")
    requests_at_once: int = Field(default=20, ge=1, description="API requests in progress; what is over it is refused with 429")
    api_latency_ms: int = Field(default=60, ge=0, description="longest time that an API request takes")
    lost_response_share: Share = Field(default=0.0, description="calls that are placed while the caller's connection breaks")

    ring_ms: int = Field(default=4000, ge=0, description="how long people let it ring, on average")
    callback_delay_ms: int = Field(default=150, ge=0, description="longest delay of an ordinary callback")
    late_callback_share: Share = Field(default=0.1, description="callbacks that come late, so that others overtake them")
    late_callback_ms: int = Field(default=1500, ge=0, description="longest delay of a late callback")
    doubled_callback_share: Share = Field(default=0.1, description="callbacks that come twice")
    callback_tries: int = Field(default=3, ge=1, description="tries to deliver a callback")
    callback_retry_ms: int = Field(default=500, ge=0, description="pause before the second try; doubles with each")
    request_timeout_s: float = Field(default=15.0, gt=0, description="patience with an answer document or a callback")

    burst_share: Share = Field(default=0.1, description="frames at which the network holds audio back, to send it in a burst")
    burst_frames: int = Field(default=5, ge=1, description="longest burst, in frames of 20 ms")
    stop_late_share: Share = Field(default=0.25, description="calls whose stream stops only after the completed callback")
    stop_missing_share: Share = Field(default=0.1, description="calls whose stream breaks off without a stop")
    patience_s: float = Field(default=25.0, gt=0, description="dead air after which people hang up")
    longest_call_s: float = Field(default=240.0, gt=0, description="the network ends a call after this long")
