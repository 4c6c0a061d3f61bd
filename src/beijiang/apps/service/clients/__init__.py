"""The verbs of applications written elsewhere: their registration, and how people sign on to them."""

from beijiang.apps.service.clients.api_names import ApiNames
from beijiang.apps.service.clients.registry import Clients
from beijiang.apps.service.clients.sandbox import Sandbox
from beijiang.apps.service.clients.signing_on import SignOn
from beijiang.apps.service.clients.subscribing import Subscriptions

__all__ = ["ApiNames", "Clients", "Sandbox", "SignOn", "Subscriptions"]
