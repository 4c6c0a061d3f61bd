"""The vocabulary of documents and what is found in them."""

from beijiang.mining.models.texts.documents import Document, DocumentDraft, DocumentForm, Sentence
from beijiang.mining.models.texts.keys import Keys, Keyword, KeywordWay
from beijiang.mining.models.texts.likeness import Alike, Passage
from beijiang.mining.models.texts.mentions import Entity, EntityKind, Mention
from beijiang.mining.models.texts.plans import PlanFound, TaskFound, tasks_of
from beijiang.mining.models.texts.roles import Body
from beijiang.mining.models.texts.sorting import ClassGuess, Classified, ClassScore
from beijiang.mining.models.texts.targets import Target

__all__ = [
    "Alike",
    "Body",
    "ClassGuess",
    "ClassScore",
    "Classified",
    "Document",
    "DocumentDraft",
    "DocumentForm",
    "Entity",
    "EntityKind",
    "Keys",
    "Keyword",
    "KeywordWay",
    "Mention",
    "Passage",
    "PlanFound",
    "Sentence",
    "Target",
    "TaskFound",
    "tasks_of",
]
