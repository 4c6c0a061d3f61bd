"""Secrets at rest: sealed by envelope encryption under a root key that is kept outside the home folder.

Nothing else in the platform seals or opens anything; callers name a purpose and a context, never an algorithm or a key.
"""

from beijiang.crypto.rootkeys import RootKeys
from beijiang.crypto.vault import Vault

__all__ = ["RootKeys", "Vault"]
