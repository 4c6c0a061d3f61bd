"""All SQL of the portal: what the public says, asks for and keeps, and the digests of files."""

from beijiang.opendata.store.cities import CityStore
from beijiang.opendata.store.files import FileStore
from beijiang.opendata.store.follows import FollowStore
from beijiang.opendata.store.members import RegistrationStore
from beijiang.opendata.store.news import NewsStore
from beijiang.opendata.store.usage import UsageStore
from beijiang.opendata.store.voices import VoiceStore
from beijiang.opendata.store.works import KeepingStore

__all__ = [
    "CityStore",
    "FileStore",
    "FollowStore",
    "KeepingStore",
    "NewsStore",
    "RegistrationStore",
    "UsageStore",
    "VoiceStore",
]
