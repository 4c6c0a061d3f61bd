"""Write the whole region: every department's file, in the order in which a bureau would ask for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from beijiang.demo.files.air import write_air, write_later_air
from beijiang.demo.files.credit import write_licences, write_penalties
from beijiang.demo.files.ecology import (
    write_air_levels,
    write_air_limits,
    write_air_rules,
    write_grassland,
    write_sections,
    write_sources,
)
from beijiang.demo.files.economy import write_accounts, write_warning_rules
from beijiang.demo.files.enterprises import firms_needed, write_enterprises
from beijiang.demo.files.firms import Firm, make_firms
from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.holdings import write_holdings
from beijiang.demo.files.journeys import write_traffic, write_visitors
from beijiang.demo.files.lists import write_bus_stops, write_divisions, write_power, write_schools, write_weather
from beijiang.demo.files.monthly import write_monthly
from beijiang.demo.files.people import make_people
from beijiang.demo.files.places import write_spots, write_venues, write_watch_points
from beijiang.demo.files.population import people_needed, write_population
from beijiang.demo.files.scene import Scene
from beijiang.demo.files.trust import write_credit_lists, write_repairs, write_score_rules
from beijiang.demo.files.waters import write_reservoirs, write_weather_warnings
from beijiang.demo.files.welfare import write_insured, write_low_income
from beijiang.demo.files.yearbook import write_yearbook
from beijiang.kit import Invalid

__all__ = ["write_later", "write_region"]

_Step: TypeAlias = tuple[str, Callable[[], "HandIn | list[HandIn]"]]


def write_region(
    folder: Path, *, seed: int = 2026, scale: float = 1.0, progress: Callable[[str, int, int], None] | None = None
) -> list[HandIn]:
    """Write what the departments hand in, and return one `HandIn` a table; equal arguments give equal bytes.

    ``scale`` multiplies the row counts (1.0: 200,000 residents, 50,000 enterprises); fixed lists such as the divisions
    keep their size. ``progress`` hears the file that comes next, how many are done, and how many there are; after the
    last one it hears an empty name. Raises `Invalid` (``demo_scale``) for a scale outside 0 < scale <= 2.
    """
    scene = _scene(folder, seed, scale)
    steps = _steps(scene)
    tell = progress or (lambda _name, _done, _total: None)
    handins: list[HandIn] = []
    for done, (name, write) in enumerate(steps):
        tell(name, done, len(steps))
        written = write()
        handins += written if isinstance(written, list) else [written]
    tell("", len(steps), len(steps))
    return handins


def write_later(folder: Path, *, seed: int = 2026, scale: float = 1.0) -> list[HandIn]:
    """Write the next deliveries of the same region: ten more days of air, and the lookouts with all positions surveyed.

    Taken in after `write_region` (same seed and scale), they give two tables a second version. Raises as it does.
    """
    scene = _scene(folder, seed, scale)
    return [write_later_air(scene), write_watch_points(scene, surveyed=True)]


def _scene(folder: Path, seed: int, scale: float) -> Scene:
    """Check the scale and make the folder."""
    if not 0 < scale <= 2:  # noqa: PLR2004 - identity numbers of the synthetic block and memory last that far
        raise Invalid(
            f"演示数据的规模系数 {scale} 无效：须大于 0 且不超过 2。",
            f"Scale {scale} of the demo region is not valid: it must be above 0 and at most 2.",
            code="demo_scale",
            detail={"scale": scale},
        )
    folder.mkdir(parents=True, exist_ok=True)
    return Scene(folder, seed, scale)


def _steps(scene: Scene) -> list[_Step]:
    """List the files to be written; residents and enterprises are invented first, since several files share them."""
    people = make_people(scene, people_needed(scene))
    firms = make_firms(scene, people, firms_needed(scene))
    return [
        ("行政区划", partial(write_divisions, scene)),
        ("人口基础信息", partial(write_population, scene, people)),
        ("企业登记信息", partial(write_enterprises, scene, firms)),
        ("行政许可", partial(write_licences, scene, firms, people)),
        ("行政处罚", partial(write_penalties, scene, firms, people)),
        ("年度统计", partial(write_yearbook, scene)),
        ("月度统计", partial(write_monthly, scene)),
        ("空气质量小时数据", partial(write_air, scene)),
        ("气象站日观测", partial(write_weather, scene)),
        ("森林防火瞭望点", partial(write_watch_points, scene)),
        ("文化场馆", partial(write_venues, scene)),
        ("旅游景区", partial(write_spots, scene)),
        ("学校名录", partial(write_schools, scene)),
        ("公交站点", partial(write_bus_stops, scene)),
        ("重点用能企业用电量", partial(write_power, scene, firms)),
        ("社会保险参保人员", partial(write_insured, scene, people)),
        ("低保及防返贫监测对象", partial(write_low_income, scene, people)),
        ("股东出资信息", partial(write_holdings, scene, firms, people)),
        ("应用用到的专题数据", partial(_themes, scene, firms)),
    ]


def _themes(scene: Scene, firms: list[Firm]) -> list[HandIn]:
    """Write the small tables that the hosted applications stand on."""
    return [
        write_accounts(scene),
        write_warning_rules(scene),
        write_credit_lists(scene, firms),
        write_score_rules(scene),
        write_repairs(scene, firms),
        write_air_limits(scene),
        write_air_rules(scene),
        write_air_levels(scene),
        write_sources(scene),
        write_sections(scene),
        write_grassland(scene),
        write_visitors(scene),
        write_traffic(scene),
        write_reservoirs(scene),
        write_weather_warnings(scene),
    ]
