"""The node here, its keys and invitations, and its links to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.federation.models import Bearing, Card, Link, LinkState
from beijiang.federation.store.schema import identities, invitations, keys, links
from beijiang.kit import Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["NodeStore"]


class NodeStore:
    """Read and write nodes and links."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    # This node

    def identity(self) -> Card | None:
        """Return what this node says of itself; None until somebody filled that in."""
        row = self.connection.execute(select(identities)).one_or_none()
        return None if row is None else _card(row)

    def put_identity(self, card: Card, at: datetime) -> None:
        """Say which node this is."""
        self.connection.execute(delete(identities))
        self.connection.execute(insert(identities).values(**card.model_dump(), changed_at=at))

    def changed_since(self, moment: datetime) -> bool:
        """Tell whether what this node says of itself was changed after a moment."""
        changed = select(identities.c.node_id).where(identities.c.changed_at > moment)
        return self.connection.execute(changed).first() is not None

    def add_key(self, key: str, secret: str, at: datetime) -> None:
        """Keep a key of this node."""
        self.connection.execute(insert(keys).values(key=key, secret=secret, made_at=at))

    def secret(self, key: str) -> str | None:
        """Return the sealed private half of a key of this node."""
        found: str | None = self.connection.execute(select(keys.c.secret).where(keys.c.key == key)).scalar_one_or_none()
        return found

    def secrets(self) -> list[tuple[str, str]]:
        """Return every key of this node with its sealed private half."""
        return [(row.key, row.secret) for row in self.connection.execute(select(keys.c.key, keys.c.secret))]

    def change_secret(self, key: str, secret: str) -> None:
        """Keep a private half that was sealed anew."""
        self.connection.execute(update(keys).where(keys.c.key == key).values(secret=secret))

    def forget_keys(self, newest: str) -> None:
        """Forget the private halves that nobody knows as this node's any more; over an ended link, that it ended is still said."""
        known = select(links.c.own_key)
        self.connection.execute(delete(keys).where(keys.c.key != newest, keys.c.key.not_in(known)))

    # Invitations

    def add_invitation(self, digest: str, node_id: str, bearing: Bearing, by: str, expires_at: datetime) -> None:
        """Keep an invitation; of its code, only the digest. An earlier one for the same node is no longer good."""
        self.connection.execute(delete(invitations).where(invitations.c.node_id == node_id))
        values = {"digest": digest, "node_id": node_id, "bearing": bearing.value, "made_by": by}
        self.connection.execute(insert(invitations).values(**values, expires_at=expires_at))

    def use_invitation(self, digest: str, node_id: str, now: datetime) -> tuple[Bearing, str] | None:
        """Use an invitation up; return where the invited node stands and who invited it, None when it is not good."""
        taken = delete(invitations).where(
            invitations.c.digest == digest, invitations.c.node_id == node_id, invitations.c.expires_at > now
        )
        row = self.connection.execute(taken.returning(invitations.c.bearing, invitations.c.made_by)).one_or_none()
        return None if row is None else (Bearing(row.bearing), row.made_by)

    def invitations(self, now: datetime) -> list[dict[str, Any]]:
        """Return the invitations that are still good."""
        query = select(invitations).where(invitations.c.expires_at > now).order_by(invitations.c.expires_at)
        return [
            {"node_id": row.node_id, "bearing": row.bearing, "made_by": row.made_by, "expires_at": row.expires_at}
            for row in self.connection.execute(query)
        ]

    # Links

    def link(self, node_id: str) -> Link | None:
        """Return the link to a node."""
        row = self.connection.execute(select(links).where(links.c.node_id == node_id)).one_or_none()
        return None if row is None else _link(row)

    def links(self) -> list[Link]:
        """Return every link there is or was, those above first."""
        rows = self.connection.execute(select(links).order_by(links.c.bearing, links.c.tier, links.c.node_id))
        return [_link(row) for row in rows]

    def put_link(self, link: Link) -> None:
        """Keep a link; an ended one to the same node gives way, the count of its letters goes on."""
        before = self.link(link.node_id)
        self.connection.execute(delete(links).where(links.c.node_id == link.node_id))
        values = {
            **link.card.model_dump(),
            "bearing": link.bearing.value,
            "state": link.state.value,
            "former_key": link.former_key,
            "own_key": link.own_key,
            "since": link.since,
            "decided_by": link.decided_by,
            "failures": 0,
            "next_at": link.next_at,
            "sent": before.sent if before else 0,
        }
        self.connection.execute(insert(links).values(**values))

    def change_link(self, node_id: str, **values: Any) -> None:
        """Change some columns of a link."""
        self.connection.execute(update(links).where(links.c.node_id == node_id).values(**values))

    def next_number(self, node_id: str) -> int:
        """Return the number of the next letter to a node; whoever asks for one more waits for the end of this transaction."""
        counted = update(links).where(links.c.node_id == node_id).values(sent=links.c.sent + 1).returning(links.c.sent)
        return int(self.connection.execute(counted).scalar_one())

    def claim(self, node_id: str, now: datetime, until: datetime) -> bool:
        """Take the posting to a node in hand until a moment; False when somebody else has it, or it rests."""
        mine = update(links).where(links.c.node_id == node_id, links.c.next_at <= now).values(next_at=until)
        return bool(self.connection.execute(mine).rowcount)


def _card(row: Row[Any]) -> Card:
    return Card(
        node_id=row.node_id,
        name_zh=row.name_zh,
        name_en=row.name_en,
        tier=row.tier,
        region_code=row.region_code,
        url=row.url,
        key=row.key,
    )


def _link(row: Row[Any]) -> Link:
    return Link(
        card=_card(row),
        bearing=Bearing(row.bearing),
        state=LinkState(row.state),
        former_key=row.former_key,
        own_key=row.own_key,
        since=row.since,
        decided_by=row.decided_by,
        heard_at=row.heard_at,
        told_at=row.told_at,
        failures=row.failures,
        next_at=row.next_at,
        trouble=None if row.trouble_zh is None else Text(row.trouble_zh, row.trouble_en or ""),
        sent=row.sent,
    )
