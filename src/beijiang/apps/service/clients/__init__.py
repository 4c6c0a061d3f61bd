"""The verbs of applications written elsewhere: their registration, and how people sign on to them."""

from beijiang.apps.service.clients.registry import Clients
from beijiang.apps.service.clients.signing_on import SignOn

__all__ = ["Clients", "SignOn"]
