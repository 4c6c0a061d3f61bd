"""All SQL of the portal: what the public says, asks for and keeps."""

from beijiang.opendata.store.members import RegistrationStore
from beijiang.opendata.store.voices import VoiceStore
from beijiang.opendata.store.works import KeepingStore

__all__ = ["KeepingStore", "RegistrationStore", "VoiceStore"]
