"""The settings of every process: read once from the environment, checked, frozen."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class InvalidSettings(ValueError):
    """A variable of the environment can't be used; the message names each one and what to do."""


class Settings(BaseSettings):
    """What the environment says.

    `port`: of the media server, 0 picks a free one. `database_url`: empty means the embedded PostgreSQL under `data_dir`.
    `public_url`: how carriers and browsers reach us; empty means `http://127.0.0.1:PORT`. `concurrency`: calls at
    once of this process. `drain_s`: how long calls in progress may go on after SIGTERM. `rehearsal`: the carrier is the
    simulated network, whose suppressions and caps are kept apart. `calls_per_second`: of the carrier account; a carrier queues
    what is over it for hours, without a word. `peer_url`: how the other processes of this installation reach this one; empty means
    its own host and port. `listening_tone_s`: how often the callee hears a short tone while a supervisor listens; 0: never.
    `webhooks_private`: webhooks may lead to addresses of this machine and its network, also by http.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    port: int = Field(default=8080, ge=0, le=65535, validation_alias="PORT")
    host: str = Field(default="127.0.0.1", validation_alias="CALLWRIGHT_HOST")
    database_url: str = Field(default="", validation_alias="DATABASE_URL")
    public_url: str = Field(default="", validation_alias="CALLWRIGHT_PUBLIC_URL")
    data_dir: Path = Field(default=Path("data"), validation_alias="CALLWRIGHT_DATA_DIR")
    dashboard_url: str = Field(default="", validation_alias="CALLWRIGHT_DASHBOARD_URL")
    peer_url: str = Field(default="", validation_alias="CALLWRIGHT_PEER_URL")
    listening_tone_s: float = Field(default=0.0, ge=0, le=600, validation_alias="CALLWRIGHT_LISTENING_TONE_S")
    webhooks_private: bool = Field(default=False, validation_alias="CALLWRIGHT_WEBHOOKS_PRIVATE")
    drain_s: float = Field(default=30.0, ge=0, le=3600, validation_alias="CALLWRIGHT_DRAIN_S")
    rehearsal: bool = Field(default=False, validation_alias="CALLWRIGHT_REHEARSAL")
    calls_per_second: float = Field(default=1.0, gt=0, le=1000, validation_alias="CALLWRIGHT_CALLS_PER_SECOND")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="CALLWRIGHT_LOG_LEVEL")
    concurrency: int = Field(default=50, ge=1, le=1000, validation_alias="CALLWRIGHT_CONCURRENCY")
    twilio_account_sid: str = Field(default="", validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: str = Field(default="", validation_alias="TWILIO_AUTH_TOKEN")
    twilio_api_url: str = Field(default="https://api.twilio.com", validation_alias="TWILIO_API_URL")

    @field_validator("database_url")
    @classmethod
    def _a_postgresql_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("use postgresql://user:password@host:port/database, or leave it out for the embedded database")
        return value

    @field_validator("public_url", "twilio_api_url", "dashboard_url", "peer_url")
    @classmethod
    def _an_http_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("use an address such as https://calls.example.com")
        return value.rstrip("/")


def read_settings() -> Settings:
    """The settings in the environment.

    Raises:
        InvalidSettings: naming every variable that can't be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{problem['loc'][0]}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors())
        raise InvalidSettings(problems) from error
