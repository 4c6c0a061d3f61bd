"""The one tool that writes: a draft, which a person reads, completes and hands in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from beijiang.agents.models import answers
from beijiang.agents.service.base import Base
from beijiang.exchange import Item, RequestDraft, Terms, Way
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.agents.models import arguments
    from beijiang.kit import Actor

__all__ = ["Acting"]


class Acting(Base):
    """Prepare what a person decides."""

    def draft_access_request(self, actor: Actor, asked: arguments.DraftAsked) -> answers.Draft:
        """Put a request into the basket of the person whose key the agent bears; it is not handed in."""
        try:
            since, until = date.fromisoformat(asked.since), date.fromisoformat(asked.until)
        except ValueError:
            raise Invalid("日期不存在。", "There is no such day.", code="bad_date") from None
        terms = Terms(
            items=tuple(Item(name) for name in asked.columns), ways=frozenset({Way.API}), since=since, until=until
        )
        draft = RequestDraft(resource_id=asked.dataset_id, terms=terms, purpose=asked.purpose, use=asked.use)
        made = self.platform.exchange.put(actor, draft)
        self.noted(actor, "draft_access_request", asked, request=made.id)
        return answers.Draft(
            request_id=made.id,
            url=f"{self.base}/console/sharing/basket",
            notes=["A person has to read the draft, complete it (basis) and hand it in; nothing is asked for yet."],
        )
