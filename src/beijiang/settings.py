"""Every setting: type, default and one sentence of help.

Read, in rising order of weight, from the defaults here, ``beijiang.toml`` in the home folder, ``BEIJIANG_*`` variables,
and arguments. The reference page is generated from this file and tested.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from beijiang.kit import Language

TOML_NAME = "beijiang.toml"


class Settings(BaseSettings):
    """How one installation runs."""

    model_config = SettingsConfigDict(env_prefix="BEIJIANG_", extra="forbid", frozen=True)

    home: Path = Field(default=Path("var/home"), description="Folder that holds everything this installation keeps.")
    database_url: SecretStr | None = Field(
        default=None, description="Metadata database; empty means SQLite in the home folder (postgresql+psycopg://...)."
    )
    host: str = Field(default="127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(default=8150, ge=0, le=65535, description="Port that the web server listens on.")
    public_url: str = Field(
        default="http://127.0.0.1:8150",
        description="Address under which visitors reach the site; links are made from it. Unset, the address served.",
    )
    language: Language = Field(default=Language.ZH, description="Language shown to visitors who did not choose one.")
    region_name: str = Field(default="内蒙古自治区", description="Name of the region this installation serves.")
    demo: bool = Field(default=False, description="Mark the installation as a demonstration on every page.")
    bad_row_limit: float = Field(
        default=0.2, ge=0, le=1, description="Share of bad rows above which an ingest run commits nothing."
    )
    upload_limit_bytes: int = Field(default=2 << 30, ge=1, description="Largest file that may be uploaded, in bytes.")
    argon2_memory_kib: int = Field(default=65_536, ge=8, description="Memory of one password hash, in KiB.")
    argon2_rounds: int = Field(default=3, ge=1, description="Passes of one password hash.")
    session_idle_minutes: int = Field(
        default=30, ge=1, description="Minutes without a request after which a session ends."
    )
    session_hours: int = Field(default=12, ge=1, description="Hours after which a session ends in any case.")
    admin_session_idle_minutes: int = Field(
        default=15, ge=1, description="Minutes without a request after which an administrator's session ends."
    )
    admin_session_hours: int = Field(
        default=8, ge=1, description="Hours after which an administrator's session ends in any case."
    )
    lockout_failures: int = Field(default=5, ge=1, description="Failed sign-ins after which an account is locked.")
    lockout_minutes: int = Field(default=15, ge=1, description="Minutes for which a locked account stays locked.")
    sign_in_failures_per_source: int = Field(
        default=50, ge=1, description="Failed sign-ins in ten minutes after which a network address is refused."
    )
    setup_code_hours: int = Field(
        default=72, ge=1, description="Hours for which the one-time code of a new account is good."
    )
    api_key_days: int = Field(default=365, ge=1, description="Longest life of an API key, in days.")
    query_seconds: float = Field(default=30.0, gt=0, description="Longest run of one interactive query, in seconds.")
    query_memory_mb: int = Field(default=512, ge=64, description="Memory of one interactive query, in megabytes.")
    query_rows: int = Field(default=1000, ge=1, description="Rows that one interactive query returns at most.")
    engine_threads: int = Field(default=0, ge=0, description="Threads of the query engine; 0 means one per core.")
    engine_memory_mb: int = Field(default=4096, ge=64, description="Memory of the query engine, in megabytes.")
    time_zone: str = Field(
        default="Asia/Shanghai",
        description="Zone in which moments are cut into days and shown, and naive ones are read.",
    )
    workers: int = Field(default=2, ge=1, description="Jobs that run at the same time in one process.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the TOML file of the home folder below the environment."""
        del dotenv_settings, file_secret_settings
        values = {**env_settings(), **init_settings()}
        home = Path(values.get("home", cls.model_fields["home"].default))
        toml = TomlConfigSettingsSource(settings_cls, toml_file=home / TOML_NAME)
        return init_settings, env_settings, toml

    @classmethod
    def load(cls, home: Path | None = None) -> Self:
        """Read the settings of ``home`` (default: ``BEIJIANG_HOME`` or ``var/home``)."""
        return cls() if home is None else cls(home=home)

    @classmethod
    def for_tests(cls, folder: Path, **changes: object) -> Self:
        """Return settings for a throw-away platform in ``folder``: cheap password hashes, any free port."""
        quick = {
            "home": folder / "home",
            "argon2_memory_kib": 64,
            "argon2_rounds": 1,
            "port": 0,
            "engine_memory_mb": 1024,
        }
        return cls.model_validate({**quick, **changes})

    @property
    def metadata_url(self) -> str:
        """Return the SQLAlchemy URL of the metadata database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.home / 'metadata.db').resolve()}"
