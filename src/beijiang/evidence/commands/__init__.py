"""``beijiang evidence`` and ``beijiang verify``."""

from beijiang.evidence.commands.holds import holds
from beijiang.evidence.commands.keys import add_keys
from beijiang.evidence.commands.log import commands
from beijiang.evidence.commands.receipts import add_receipts
from beijiang.evidence.commands.verify import verify_command
from beijiang.evidence.commands.witnesses import add_retention, add_witnesses

__all__ = ["add_keys", "add_receipts", "add_retention", "add_witnesses", "commands", "holds", "verify_command"]
