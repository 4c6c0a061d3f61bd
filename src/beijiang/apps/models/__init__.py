"""What hosted applications are made of; no input or output."""

from beijiang.apps.models.blocks import Block
from beijiang.apps.models.bundle import AppTest, Bundle, EndPoint, Query, parse_bundle
from beijiang.apps.models.cards import Card, CardData
from beijiang.apps.models.drawing import drawing, places
from beijiang.apps.models.faults import Fault
from beijiang.apps.models.jobs import JobSpec
from beijiang.apps.models.manifest import Manifest
from beijiang.apps.models.packing import ZIP_BYTES, digest_of, pack, take, unpack
from beijiang.apps.models.pages import AppPage, Prose
from beijiang.apps.models.parameters import Parameter, values_of
from beijiang.apps.models.starter import starter
from beijiang.apps.models.states import App, AppVersion, Check, Release
from beijiang.apps.models.words import AudienceKind, BlockKind, CardState, ParamType, Schedule, VersionState

__all__ = [
    "ZIP_BYTES",
    "App",
    "AppPage",
    "AppTest",
    "AppVersion",
    "AudienceKind",
    "Block",
    "BlockKind",
    "Bundle",
    "Card",
    "CardData",
    "CardState",
    "Check",
    "EndPoint",
    "Fault",
    "JobSpec",
    "Manifest",
    "ParamType",
    "Parameter",
    "Prose",
    "Query",
    "Release",
    "Schedule",
    "VersionState",
    "digest_of",
    "drawing",
    "pack",
    "parse_bundle",
    "places",
    "starter",
    "take",
    "unpack",
    "values_of",
]
