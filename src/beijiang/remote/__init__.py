"""The terminal on another machine: which servers a person has a key of, and what may be asked of them without a home.

Owns no table and serves nothing. It stands beside the console on the terminal's side of the wire: it speaks to a platform by
``beijiang.client`` alone, and prints with the tables of the domains' own commands, which ``groups`` hands to it.
"""

from beijiang.remote.servers import Server, Servers
from beijiang.remote.speaking import Line

__all__ = ["Line", "Server", "Servers"]
