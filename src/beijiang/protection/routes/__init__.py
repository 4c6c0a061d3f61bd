"""The JSON API of protection: grades, row rules, masks, release checks, SQL; and noisy statistics."""

from beijiang.protection.routes.grades import router
from beijiang.protection.routes.levels import levels
from beijiang.protection.routes.private import private

__all__ = ["levels", "private", "router"]
