"""Is this installation able to do its work? Health for load balancers, a thorough examination for the operator.

Owns no tables. Monitoring, alarms and backup join this domain with their own issues.
"""

from beijiang.guard.models import Finding
from beijiang.guard.service import Health

__all__ = ["Finding", "Health"]
