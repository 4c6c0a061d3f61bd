"""Build the demo region through the platform's own doors: hand in, take in, compile, review, publish.

Every step looks first whether it has been done, so a killed build goes on where it stopped and ends in the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beijiang.access import RegionFacts
from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareMethod, ShareType, State
from beijiang.demo.applications import add_applications
from beijiang.demo.assessment import add_assessment
from beijiang.demo.exchanging import add_claims, add_pushes, add_questions, add_service, close_far_side, open_far_side
from beijiang.demo.far_side import FarSide
from beijiang.demo.files import HandIn, write_later, write_region
from beijiang.demo.files.meanings import meaning
from beijiang.demo.forecasting import add_forecasts
from beijiang.demo.forest import add_forest
from beijiang.demo.graphs import add_graph
from beijiang.demo.libraries import add_libraries
from beijiang.demo.models import add_models
from beijiang.demo.papers import add_papers
from beijiang.demo.people import People
from beijiang.demo.public import REGIONS, add_city_portals, add_openings
from beijiang.demo.sharing import add_demand, add_intersection, add_requests
from beijiang.demo.supervision import OWNER, keep_work_plan
from beijiang.demo.systems import add_systems
from beijiang.ingest import IngestRequest, RunMode, RunState
from beijiang.kit import SYSTEM, NotFound, Text, Unavailable
from beijiang.notices import NoticeKind

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.catalog import Resource

SEED = 2026
DONE = "demo-ready"
JUDGED = frozenset({"企业登记信息", "人口基础信息", "行政许可", "行政处罚", "学校名录", "空气质量小时数据"})
"""Tables that have rules of quality; the others wait for their stewards."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far the build is: what is being done, and which of how many."""

    words: Text
    done: int
    total: int


class Tour:
    """The demo region of one home."""

    def __init__(self, platform: Platform, *, scale: float = 1.0) -> None:
        self._platform = platform
        self._scale = scale
        self._folder = platform.settings.home / "demo"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.people = People(platform.access, self._folder / "first-login.json")
        self.far_side = FarSide(self._folder)
        """Has to be entered before anything is built or served."""

    @property
    def ready(self) -> bool:
        """Tell whether an earlier build came to its end."""
        return (self._folder / DONE).exists()

    def build(self, report: Callable[[Step], None]) -> None:
        """Bring the region to its end state; the platform's worker must be running."""
        if self.ready:
            return
        report(Step(Text("写出部门要交的文件", "writing what departments hand in"), 0, 1))
        first = write_region(self._folder / "hand-in", seed=SEED, scale=self._scale)
        later = write_later(self._folder / "hand-in-later", seed=SEED, scale=self._scale)
        report(Step(Text("建立机构与账号", "adding organisations and people"), 0, 1))
        facts = self._platform.standards
        names = ("regions", "jurisdictions", "departments_2018")
        self._platform.access.seed_region(SYSTEM, RegionFacts(*(tuple(facts.table(name)) for name in names)))
        self.people.ensure(h.org_key for h in first)
        total = len(first) + len(later)
        for number, hand_in in enumerate(first):
            report(Step(Text(f"汇聚 {hand_in.title}", f"taking in {hand_in.table_name}"), number, total))
            self._take_in(hand_in, version=1)
            self._ask(hand_in)
            self._publish(hand_in)
        for number, hand_in in enumerate(later, start=len(first)):
            report(Step(Text(f"再次汇聚 {hand_in.title}", f"taking in {hand_in.table_name} again"), number, total))
            self._take_in(hand_in, version=2)
        self._platform.db.deliver_waiting()
        add_libraries(
            self._platform,
            lambda org: self.people.actor(f"steward.{org}"),
            lambda name: report(Step(Text(f"归集 {name}", f"uniting {name}"), total, total)),
        )
        report(Step(Text("提出共享申请", "asking for what others hold"), total, total))
        add_requests(self._platform, self.people.actor)
        add_demand(self._platform, self.people.actor)
        add_intersection(self._platform, self.people.actor)
        report(
            Step(
                Text("认领目录、调用服务、推送数据", "claiming entries, calling a service, pushing rows"), total, total
            )
        )
        self._exchange()
        add_openings(self._platform, self.people)
        add_city_portals(self._platform, self.people.actor("reviewer"))
        report(
            Step(
                Text("计算考核、载入指标与工作计划", "assessing departments, loading indicators and the plan"),
                total,
                total,
            )
        )
        add_systems(self._platform, self.people.actor)
        add_assessment(self._platform, self.people.actor)
        report(Step(Text("接收火险读数，发出预警", "receiving fire-weather readings, raising alerts"), total, total))
        add_forest(
            self._platform,
            self.people.actor("steward.forestry"),
            self._folder / "forest",
            SEED,
            lambda hand_in: self._take_in(hand_in, version=1),
            self._publish,
        )
        report(Step(Text("预测月度指标", "forecasting the monthly indicators"), total, total))
        add_forecasts(self._platform, self.people.actor, self._publish)
        self._hand_on_plan()
        report(Step(Text("声明企业关系图", "declaring the graph of enterprises"), total, total))
        add_graph(self._platform, self.people.actor)
        report(Step(Text("发布应用", "releasing applications"), total, total))
        add_applications(self._platform, self.people.actor, self._publish)
        report(Step(Text("训练模型", "training models"), total, total))
        add_models(self._platform, self.people.actor)
        report(Step(Text("收存文档、保存笔记本", "keeping documents and notebooks"), total, total))
        add_papers(self._platform, self.people.actor)
        self._read_news()
        (self._folder / DONE).touch()

    def _read_news(self) -> None:
        """Have everybody read the news of what was built; what waits for somebody stays unread."""
        notices = self._platform.notices
        while notices.take():
            pass
        for account in self.people.accounts:
            notices.read_all(self.people.actor(account.login), NoticeKind.PROGRESS)

    def settle(self) -> None:
        """Have the platform find the far side where it listens now."""
        open_far_side(self._platform, self.far_side, self.people.actor)

    def part(self) -> None:
        """Let nothing go to where the far side listened; the far side ends after this."""
        close_far_side(self._platform)

    def _exchange(self) -> None:
        self.settle()
        add_claims(self._platform, self.people.actor)
        add_service(self._platform, self.far_side, self.people.actor)
        add_pushes(self._platform, self.far_side, self.people.actor)
        add_questions(self._platform, self.people.actor)

    def _hand_on_plan(self) -> None:
        """Have the work plan kept as tables, so that applications show it like any other data."""
        steward = self.people.actor(f"steward.{OWNER}")
        for hand_in in keep_work_plan(self._platform, steward):
            self._publish(hand_in)

    def _take_in(self, hand_in: HandIn, version: int) -> None:
        """Hand a file in and wait for its run, unless the table has that version already."""
        if self._version(hand_in.table_name) >= version:
            return
        ingest, actor = self._platform.ingest, self.people.actor(f"steward.{hand_in.org_key}")
        landed = ingest.land(actor, hand_in.path, hand_in.path.name, hand_in.org_key)
        request = IngestRequest(
            files=(landed.sha256,),
            into=hand_in.table_name,
            org_id=hand_in.org_key,
            key=hand_in.key_columns,
            mode=RunMode(hand_in.mode.value),
            sheet=hand_in.sheet,
            reason=hand_in.title,
        )
        run = ingest.wait(actor, ingest.submit(actor, request))
        if run.state is not RunState.COMMITTED:
            why = (run.error or {}).get("message", run.state.value)
            raise Unavailable(
                f"演示数据“{hand_in.table_name}”没有汇聚成功：{why}",
                f"The demo table {hand_in.table_name} was not taken in: {why}",
                code="demo_run_failed",
            )

    def _version(self, table: str) -> int:
        try:
            return self._platform.tables.get(SYSTEM, table).version
        except NotFound:
            return 0

    def _ask(self, hand_in: HandIn) -> None:
        """Put in force what names and standards suggest for some tables, and see how they do.

        What one delivery looks like says little of the next: its lists and bounds are for people to choose.
        """
        quality, steward = self._platform.quality, self.people.actor(f"steward.{hand_in.org_key}")
        if hand_in.table_name not in JUDGED or quality.rules(steward, hand_in.table_name):
            return
        with quality.suggester.unhurried():
            found = quality.suggest(steward, hand_in.table_name)
            quality.accept(steward, hand_in.table_name, [one.key for one in found if not one.measured])
        quality.check_now(steward, hand_in.table_name)

    def _publish(self, hand_in: HandIn) -> None:
        """Compile, submit, approve and publish the entry, each as the person whose task it is."""
        catalog = self._platform.catalog
        steward = self.people.actor(f"steward.{hand_in.org_key}")
        resource = self._resource(hand_in.table_name)
        if resource.is_serving:
            return
        if resource.state in {State.DRAFT, State.RETURNED}:
            catalog.edit(steward, resource.id, _edit(hand_in))
            resource = catalog.submit(steward, resource.id)
        if resource.state is State.PENDING_REGISTER:
            resource = catalog.approve(self.people.actor("reviewer"), resource.id)
        if resource.state in {State.PENDING_PUBLISH, State.REGISTERED}:
            catalog.publish(self.people.actor("publisher"), resource.id)

    def _resource(self, table: str) -> Resource:
        self._platform.db.deliver_waiting()
        resource = self._platform.catalog.resource_for_table(table)
        if resource is None:
            raise NotFound(f"表“{table}”还没有目录条目。", f"The table {table} has no catalog entry yet.")
        return resource


def _edit(hand_in: HandIn) -> ResourceEdit:
    is_open = hand_in.open_type.value != OpenType.NOT_OPEN.value
    return ResourceEdit(
        name=hand_in.title,
        summary=hand_in.summary,
        categories=(hand_in.category,),
        share_type=ShareType(hand_in.share_type.value),
        share_condition=hand_in.share_condition,
        no_share_basis=hand_in.no_share_basis,
        share_method=ShareMethod.SERVICE,
        open_type=OpenType(hand_in.open_type.value),
        open_condition=hand_in.open_condition,
        open_items=hand_in.open_columns if is_open else None,
        licence=_licence(hand_in),
        update_cycle=hand_in.update_cycle,
        contact="演示数据管理科",
        region_code=REGIONS.get(hand_in.table_name),
        items=tuple(
            ItemEdit(column=c, description=words) for c in hand_in.columns if (words := meaning(c, hand_in.unit))
        ),
    )


def _licence(hand_in: HandIn) -> str:
    """Conditional opening goes by agreement; what is not open needs no licence."""
    if hand_in.open_type.value == OpenType.CONDITIONAL.value:
        return "agreement"
    return hand_in.licence if hand_in.open_type.value == OpenType.UNCONDITIONAL.value else ""


def first_login_file(home: Path) -> Path:
    """Return where the generated accounts stand."""
    return home / "demo" / "first-login.json"
