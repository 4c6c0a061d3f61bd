"""The public portal: find open data, look at it, chart it, take it along, and call it from a program.

It joins the catalog, the gate and the standards into what a visitor sees. Every row it shows came through the gate, every number
on its pages from a release record. It owns what the public says and keeps, and the digests of files: the tables ``opendata_file``, ``portal_city``, ``portal_registration``,
``portal_voice``, ``portal_support``, ``portal_use``, ``portal_news``, ``portal_work``, ``portal_work_set``, ``portal_favourite``, ``portal_rating``, ``portal_follow``, ``portal_follow_news`` and ``portal_follow_place``.
"""

from beijiang.opendata.announcing import Newsroom
from beijiang.opendata.cities import Portal, PortalDraft
from beijiang.opendata.ckan import (
    Ckan,
    Datastore,
    FileWrites,
    HandIns,
    Intake,
    PackageReads,
    PackageWrites,
    RowWrites,
    SqlAsked,
)
from beijiang.opendata.counting import Statistics
from beijiang.opendata.doorman import Doorman
from beijiang.opendata.exports.service import Exports
from beijiang.opendata.following import FollowParts, Follows
from beijiang.opendata.follows import Follow, FollowDraft, FollowKind, FollowMade, FollowPace, FollowState, FollowWay
from beijiang.opendata.glance import Changes, Gap, GapCode, Glimpse
from beijiang.opendata.glancing import Glance
from beijiang.opendata.hearing import Voices
from beijiang.opendata.keeping import Keepings
from beijiang.opendata.members import Registration, RegistrationDraft, RegistrationState, Standing
from beijiang.opendata.models import (
    Dataset,
    DatasetField,
    DataVersion,
    Department,
    DepartmentPage,
    FieldState,
    Home,
    Numbers,
    RowPage,
    Theme,
)
from beijiang.opendata.news import News, NewsDraft, NewsState
from beijiang.opendata.ogc import Features
from beijiang.opendata.portals import Portals
from beijiang.opendata.registering import PublicParts, Registrations
from beijiang.opendata.service import OpenData, Reading
from beijiang.opendata.spreading import Spreading
from beijiang.opendata.tableview import printed, told
from beijiang.opendata.voices import (
    OUTCOMES,
    Outcome,
    PublicVoice,
    Voice,
    VoiceAnswer,
    VoiceDraft,
    VoiceKind,
    VoiceQuery,
    VoiceState,
    VoiceView,
)
from beijiang.opendata.works import Echo, Kept, Work, WorkDraft, WorkKind, WorkState

__all__ = [
    "OUTCOMES",
    "Changes",
    "Ckan",
    "DataVersion",
    "Dataset",
    "DatasetField",
    "Datastore",
    "Department",
    "DepartmentPage",
    "Doorman",
    "Echo",
    "Exports",
    "Features",
    "FieldState",
    "FileWrites",
    "Follow",
    "FollowDraft",
    "FollowKind",
    "FollowMade",
    "FollowPace",
    "FollowParts",
    "FollowState",
    "FollowWay",
    "Follows",
    "Gap",
    "GapCode",
    "Glance",
    "Glimpse",
    "HandIns",
    "Home",
    "Intake",
    "Keepings",
    "Kept",
    "News",
    "NewsDraft",
    "NewsState",
    "Newsroom",
    "Numbers",
    "OpenData",
    "Outcome",
    "PackageReads",
    "PackageWrites",
    "Portal",
    "PortalDraft",
    "Portals",
    "PublicParts",
    "PublicVoice",
    "Reading",
    "Registration",
    "RegistrationDraft",
    "RegistrationState",
    "Registrations",
    "RowPage",
    "RowWrites",
    "Spreading",
    "SqlAsked",
    "Standing",
    "Statistics",
    "Theme",
    "Voice",
    "VoiceAnswer",
    "VoiceDraft",
    "VoiceKind",
    "VoiceQuery",
    "VoiceState",
    "VoiceView",
    "Voices",
    "Work",
    "WorkDraft",
    "WorkKind",
    "WorkState",
    "printed",
    "told",
]
