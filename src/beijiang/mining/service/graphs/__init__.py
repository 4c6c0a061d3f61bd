"""Graphs of enterprises: declared on governed tables, loaded for each reader as he may see them, asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.mining.models import Asked, Direction, GraphFile, Question, Relation, Shown, as_csv, as_graphml, drawn
from beijiang.mining.service.graphs.asking import Asking
from beijiang.mining.service.graphs.whole import Whole

if TYPE_CHECKING:
    from beijiang.kit import Actor, Language

__all__ = ["Graphs"]

_WHOLE: Final = frozenset({Question.CIRCLES, Question.ADDRESSES, Question.PHONES, Question.COMMUNITIES})


class Graphs(Asking, Whole):
    """Declare graphs and ask them: chains, real controllers, circles, related parties, shortest chains, communities."""

    def answer(self, actor: Actor, graph_id: str, asked: Asked) -> Shown:
        """Return the answer to any question.

        Raises:
            NotFound: no such graph or party.

        """
        if asked.question in _WHOLE:
            return self._whole(actor, graph_id, asked)
        match asked.question:
            case Question.UP | Question.DOWN:
                return self.chain(actor, graph_id, asked.party, Direction(asked.question.value), asked.at)
            case Question.CONTROLLER:
                return self.controller(actor, graph_id, asked.party, asked.at)
            case Question.RELATED:
                return self.related(actor, graph_id, asked.party, asked.at)
            case _:
                by = asked.by or (Relation.HOLDING, Relation.REPRESENTATIVE)
                return self.path(actor, graph_id, asked.party, asked.to, asked.at, by)

    def _whole(self, actor: Actor, graph_id: str, asked: Asked) -> Shown:
        match asked.question:
            case Question.CIRCLES:
                return self.circles(actor, graph_id, asked.at, asked.number)
            case Question.ADDRESSES | Question.PHONES:
                relation = Relation.ADDRESS if asked.question is Question.ADDRESSES else Relation.PHONE
                return self.meeting_places(actor, graph_id, relation, asked.at)
            case _:
                return self.communities(actor, graph_id, asked.at, asked.seed)

    def file(
        self, actor: Actor, graph_id: str, asked: Asked, form: GraphFile, language: Language
    ) -> tuple[str, str, Shown]:
        """Return the answer to a question as a file, with its name; picture and GraphML say grade, day and receipts.

        Raises:
            NotFound: no such graph or party.

        """
        shown = self.answer(actor, graph_id, asked)
        note = f"{shown.grade} · {shown.at} · {actor.name} · {' '.join(shown.receipts)}"
        name = f"关系图_{shown.grade}_{shown.receipts[0]}.{form.value}"
        if form is GraphFile.CSV:
            return name, as_csv(shown, language), shown
        if form is GraphFile.GRAPHML:
            return name, as_graphml(shown, note), shown
        return name, drawn(shown, language=language, foot=note), shown
