"""Secrets at rest, pseudonyms and format-preserving encryption; root keys are kept outside the home folder.

Nothing else in the platform seals, opens or hashes under a key; callers name a purpose and a context, never an algorithm.
"""

from beijiang.crypto.blinding import POINT, Blinder, OwnSet, points_of, spoken
from beijiang.crypto.calls import call_headers, call_is_signed
from beijiang.crypto.envelopes import envelope_for, new_envelope_key, opened_envelope
from beijiang.crypto.ff1 import Ff1
from beijiang.crypto.packages import draw_password, open_package, seal_package, sm3_of
from beijiang.crypto.pseudonyms import Pseudonyms
from beijiang.crypto.rootkeys import RootKeys
from beijiang.crypto.sm4_packages import seal_sm4
from beijiang.crypto.token_keys import ALGORITHM, new_token_key, public_half, sign_claims, verified_claims
from beijiang.crypto.vault import Vault
from beijiang.crypto.webhooks import webhook_signature

__all__ = [
    "ALGORITHM",
    "POINT",
    "Blinder",
    "Ff1",
    "OwnSet",
    "Pseudonyms",
    "RootKeys",
    "Vault",
    "call_headers",
    "call_is_signed",
    "draw_password",
    "envelope_for",
    "new_envelope_key",
    "new_token_key",
    "open_package",
    "opened_envelope",
    "points_of",
    "public_half",
    "seal_package",
    "seal_sm4",
    "sign_claims",
    "sm3_of",
    "spoken",
    "verified_claims",
    "webhook_signature",
]
