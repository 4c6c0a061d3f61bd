"""Where deliveries go: the kinds of destinations, their sealed options, and the guarded way to each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.service.sealing import Options, Seals
from beijiang.kit import Invalid
from beijiang.outbound import Use

if TYPE_CHECKING:
    from beijiang.crypto import Vault
    from beijiang.ingest.connectors.destination import Destination
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound

__all__ = ["Destinations"]

_PURPOSE: Final = "push"
_KINDS: Final = {
    "mysql": ("mysql_there", "MySQLDestination"),
    "postgresql": ("postgresql_there", "PostgreSQLDestination"),
    "s3": ("s3_there", "S3Destination"),
    "sftp": ("sftp_there", "SftpDestination"),
    "webhook": ("webhook_there", "WebhookDestination"),
}


class Destinations:
    """Makes destinations of options whose secrets were sealed for one owner. Nobody asks for access here."""

    def __init__(self, vault: Vault, outbound: Outbound) -> None:
        self._seals = Seals(vault, _PURPOSE)
        self._outbound = outbound

    def kinds(self) -> tuple[str, ...]:
        """Return the names of all kinds."""
        return tuple(sorted(_KINDS))

    def described(self) -> list[dict[str, JsonValue]]:
        """Return every kind with its options as a JSON schema."""
        found: list[dict[str, JsonValue]] = []
        for kind in self.kinds():
            made = self.kind(kind)
            model = made.options_model
            text: dict[str, JsonValue] = {"zh": made.text.zh, "en": made.text.en}
            secret: list[JsonValue] = [*sorted(model.secret_names())]
            found.append({"kind": kind, "text": text, "options": model.model_json_schema(), "secrets": secret})
        return found

    def kind(self, kind: str) -> type[Destination]:
        """Return the class behind a kind; it is imported only now.

        Raises:
            Invalid: there is none (``push_kind``).

        """
        if kind not in _KINDS:
            raise Invalid(
                f"没有“{kind[:40]}”这种推送目标。可用：{'、'.join(self.kinds())}。",
                f'There is no kind of destination "{kind[:40]}". There are: {", ".join(self.kinds())}.',
                code="push_kind",
            )
        module, name = _KINDS[kind]
        made: type[Destination] = getattr(import_module(f"beijiang.ingest.connectors.{module}"), name)
        return made

    def sealed(self, owner_id: str, kind: str, given: Mapping[str, Any], before: Options | None = None) -> Options:
        """Check options and seal their secrets; ``before``: what stays as it is where it is not given anew.

        Raises:
            Invalid: they do not fit (``bad_options``), or kept secrets would go elsewhere (``secrets_needed``).

        """
        model = self.kind(kind).options_model
        if before is None:
            return self._seals.first(owner_id, model, given)
        return self._seals.changed(owner_id, model, before, given)

    def open(
        self, owner_id: str, kind: str, options: Mapping[str, Any], secrets: Mapping[str, str], org_id: str
    ) -> Destination:
        """Return the way to a destination of a department, its secrets open."""
        made = self.kind(kind)
        opened = self._seals.opened(owner_id, secrets)
        return made(made.options_model.model_validate({**options, **opened}), self._outbound.bound(Use.PUSH, org_id))

    def shown_as(self, kind: str, options: Mapping[str, JsonValue], target: str) -> str:
        """Return what lists call the place that options and target lead to; without any secret."""
        return self.kind(kind).shown_as(options, target)

    def renewed(self, owner_id: str, secrets: Mapping[str, str]) -> dict[str, str]:
        """Return secrets under the newest root key."""
        return self._seals.renewed(owner_id, secrets)
