"""The console: admin pages that join several domains. It owns no tables and decides nothing; it asks the services.

Every page speaks to the platform's verbs with the actor of the request, so it can show and do no more than the API.
"""

from beijiang.console.service import Console, Home

__all__ = ["Console", "Home"]
