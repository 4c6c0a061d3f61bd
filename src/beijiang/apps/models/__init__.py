"""What hosted applications are made of; no input or output."""

from beijiang.apps.models.ahead import ahead, filled_by, handed_in
from beijiang.apps.models.blocks import Block
from beijiang.apps.models.bundle import AppTest, Bundle, EndPoint, Query, parse_bundle
from beijiang.apps.models.canary import Canary, CanaryKind, CanaryTo, Comparison, Side
from beijiang.apps.models.cards import Card, CardData, Network
from beijiang.apps.models.clients import (
    IDENTITY_SCOPES,
    Client,
    ClientDraft,
    ClientKind,
    ClientSecret,
    ClientState,
    Consent,
)
from beijiang.apps.models.drawing import drawing, places
from beijiang.apps.models.farewells import FAREWELL_PAUSES, FAREWELLS_MOST, Farewell, FarewellState
from beijiang.apps.models.faults import Fault
from beijiang.apps.models.filling import clash
from beijiang.apps.models.jobs import JobSpec
from beijiang.apps.models.manifest import Manifest
from beijiang.apps.models.packing import ZIP_BYTES, digest_of, pack, take, unpack
from beijiang.apps.models.pages import AppPage, Prose
from beijiang.apps.models.parameters import TODAY, Parameter, values_of
from beijiang.apps.models.protocol import Asking, Leaving, ProtocolAnswer, ProtocolCall
from beijiang.apps.models.ratings import STARS, AppRating, AppRatings, Stars
from beijiang.apps.models.running import AppAlert, JobStanding, timing_of
from beijiang.apps.models.serving import ServerStanding, ServerState, wall_text
from beijiang.apps.models.starter import starter
from beijiang.apps.models.states import App, AppVersion, Check, Release
from beijiang.apps.models.subscriptions import (
    BINS,
    FACES,
    FLIGHT_ADDRESS,
    OTHER_API,
    Plan,
    Subscription,
    SubscriptionState,
    Use,
    api_of,
    bin_of,
)
from beijiang.apps.models.tokens import OWN_MARK, Code, SignOnFamily, Token, TokenKind, digest_of_secret, mark_of
from beijiang.apps.models.usage import Usage, coarse
from beijiang.apps.models.ways import Health, HealthState, HealthTurn
from beijiang.apps.models.words import AudienceKind, BlockKind, CardState, ParamType, Schedule, VersionState

__all__ = [
    "BINS",
    "FACES",
    "FAREWELLS_MOST",
    "FAREWELL_PAUSES",
    "FLIGHT_ADDRESS",
    "IDENTITY_SCOPES",
    "OTHER_API",
    "OWN_MARK",
    "STARS",
    "TODAY",
    "ZIP_BYTES",
    "App",
    "AppAlert",
    "AppPage",
    "AppRating",
    "AppRatings",
    "AppTest",
    "AppVersion",
    "Asking",
    "AudienceKind",
    "Block",
    "BlockKind",
    "Bundle",
    "Canary",
    "CanaryKind",
    "CanaryTo",
    "Card",
    "CardData",
    "CardState",
    "Check",
    "Client",
    "ClientDraft",
    "ClientKind",
    "ClientSecret",
    "ClientState",
    "Code",
    "Comparison",
    "Consent",
    "EndPoint",
    "Farewell",
    "FarewellState",
    "Fault",
    "Health",
    "HealthState",
    "HealthTurn",
    "JobSpec",
    "JobStanding",
    "Leaving",
    "Manifest",
    "Network",
    "ParamType",
    "Parameter",
    "Plan",
    "Prose",
    "ProtocolAnswer",
    "ProtocolCall",
    "Query",
    "Release",
    "Schedule",
    "ServerStanding",
    "ServerState",
    "Side",
    "SignOnFamily",
    "Stars",
    "Subscription",
    "SubscriptionState",
    "Token",
    "TokenKind",
    "Usage",
    "Use",
    "VersionState",
    "ahead",
    "api_of",
    "bin_of",
    "clash",
    "coarse",
    "digest_of",
    "digest_of_secret",
    "drawing",
    "filled_by",
    "handed_in",
    "mark_of",
    "pack",
    "parse_bundle",
    "places",
    "starter",
    "take",
    "timing_of",
    "unpack",
    "values_of",
    "wall_text",
]
