"""The verbs of libraries."""

from beijiang.fusion.service.claiming import Fusion
from beijiang.fusion.service.looking import Compared, Member, Subject, Subjects, Together
from beijiang.fusion.service.placing import Place, Places
from beijiang.fusion.service.running import FUSION_JOB

__all__ = ["FUSION_JOB", "Compared", "Fusion", "Member", "Place", "Places", "Subject", "Subjects", "Together"]
