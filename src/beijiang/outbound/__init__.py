"""The one way out: every connection that the platform opens to another machine has its address checked here first.

Public addresses may be reached. Everything else (loopback, private networks, link-local, metadata services and their IPv6
disguises) only where the security administrator has named host, port and network.
"""

from beijiang.outbound.addresses import Outbound
from beijiang.outbound.models import Address, Target

__all__ = ["Address", "Outbound", "Target"]
# The HTTP client stands in ``beijiang.outbound.http``: who needs no network does not pay for loading it.
