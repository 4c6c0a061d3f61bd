"""The options of sources and streams: checked, and their secrets sealed for the one place that they were given for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from beijiang.ingest.service.moving import check_place
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.crypto import Vault
    from beijiang.ingest.connectors import ConnectorOptions
    from beijiang.kit.errors import JsonValue

__all__ = ["Options", "Seals"]

Options = tuple["dict[str, JsonValue]", "dict[str, str]"]
"""Plain options for the record, and sealed secrets by name."""


class Seals:
    """Seals and opens what belongs to one kind of owner; a sealed text opens for its owner and its name only."""

    def __init__(self, vault: Vault, purpose: str) -> None:
        self._vault = vault
        self._purpose = purpose

    def first(self, owner_id: str, model: type[ConnectorOptions], given: Mapping[str, Any]) -> Options:
        """Check the options of something new.

        Raises:
            Invalid: they do not fit (``bad_options``).

        """
        return self._parted(owner_id, model, given, {})

    def changed(
        self, owner_id: str, model: type[ConnectorOptions], before: Options, given: Mapping[str, Any]
    ) -> Options:
        """Check options of which some are given anew; secrets that are not stay as they are.

        Raises:
            Invalid: they do not fit (``bad_options``), or kept secrets would go elsewhere (``secrets_needed``).

        """
        plain, secrets = before
        options, kept = self._parted(owner_id, model, {**plain, **given}, secrets)
        check_place(plain, options, kept.keys() - given.keys())
        return options, kept

    def opened(self, owner_id: str, secrets: Mapping[str, str]) -> dict[str, str]:
        """Return secrets in the clear."""
        return {
            name: self._vault.open(sealed, purpose=self._purpose, context=_place(owner_id, name))
            for name, sealed in secrets.items()
        }

    def renewed(self, owner_id: str, secrets: Mapping[str, str]) -> dict[str, str]:
        """Return secrets under the newest root key."""
        return {
            name: self._vault.rewrap(sealed, purpose=self._purpose, context=_place(owner_id, name))
            for name, sealed in secrets.items()
        }

    def _parted(
        self, owner_id: str, model: type[ConnectorOptions], given: Mapping[str, Any], kept: Mapping[str, str]
    ) -> Options:
        names = model.secret_names()
        try:
            options = model.model_validate({**self.opened(owner_id, kept), **given})
        except ValidationError as error:
            raise _bad_options(error) from None
        secrets = dict(kept)
        for name in names & set(given):
            secret = getattr(options, name).get_secret_value()
            secrets.pop(name, None)
            if secret:
                secrets[name] = self._vault.seal(secret, purpose=self._purpose, context=_place(owner_id, name))
        return options.model_dump(mode="json", exclude=set(names)), secrets


def _place(owner_id: str, name: str) -> str:
    return f"{owner_id}/{name}"


def _bad_options(error: ValidationError) -> Invalid:
    """Say which options are wrong, without any value: one of them may be a secret."""
    wrong: list[JsonValue] = [
        {"option": ".".join(str(part) for part in e["loc"]), "problem": e["type"]} for e in error.errors()
    ]
    names = "、".join(dict.fromkeys(str(w["option"]) for w in wrong if isinstance(w, dict)))
    return Invalid(
        f"数据源选项有误：{names}。beijiang sources kinds 列出每种数据源的选项。",
        f"Options of the source are wrong: {names}. beijiang sources kinds shows the options of every kind.",
        code="bad_options",
        detail={"options": wrong},
    )
