"""The invented residents: made once, so that the register, social security and low-income files speak of the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from beijiang.demo.files.identity import citizen_id, mobiles
from beijiang.demo.files.scene import AS_OF, County, Scene
from beijiang.demo.files.words import RARE_SURNAMES, han_names, mongol_names, street_addresses

__all__ = ["People", "make_people"]

# Residents by age band (first age, years, share) and by ethnic group; rough shares of the 2020 census.
_AGES = ((0, 15, 14), (15, 15, 15), (30, 15, 24), (45, 15, 25), (60, 15, 17), (75, 15, 5))
_ETHNIC = {"01": 7850, "02": 1770, "11": 190, "03": 92, "31": 36, "45": 13, "10": 9, "52": 4, "38": 2, "05": 1, "04": 2}
_RARE_SHARE = 0.0015
_MONGOL = "02"
_MONGOL_NAME_SHARE = 0.72


@dataclass(frozen=True, slots=True)
class People:
    """Columns of equal length, one entry a person; identity numbers are valid and unique."""

    ids: list[str]
    names: list[str]
    women: list[bool]
    ethnic: list[str]
    births: list[str]
    """CCYYMMDD."""
    counties: list[County]
    streets: list[str]
    mobiles: list[str]
    rare: int
    """How many names carry a character that takes four bytes in GB18030."""

    def address(self, row: int) -> str:
        """Return the full household address."""
        county = self.counties[row]
        return f"内蒙古自治区{county.league}{county.name}{self.streets[row]}"

    def age(self, row: int) -> int:
        """Return whole years on the reporting date."""
        birth = int(self.births[row])
        return (int(AS_OF.strftime("%Y%m%d")) - birth) // 10_000


def make_people(scene: Scene, count: int) -> People:
    """Invent ``count`` residents."""
    rng = scene.rng("people")
    counties = scene.draw_counties(rng, count)
    women = [rng.random() < 0.489 for _ in range(count)]  # noqa: PLR2004 - share of women
    ethnic = rng.choices(list(_ETHNIC), weights=list(_ETHNIC.values()), k=count)
    births = _births(rng, count)
    ids = _unique_ids(counties, births, women)
    names, rare = _names(rng, women, ethnic)
    return People(
        ids=ids,
        names=names,
        women=women,
        ethnic=ethnic,
        births=[number[6:14] for number in ids],
        counties=counties,
        streets=street_addresses(rng, [county.is_urban for county in counties]),
        mobiles=mobiles(rng, count),
        rare=rare,
    )


def _births(rng: Random, count: int) -> list[int]:
    """Draw days of birth as ordinals."""
    newest = AS_OF.toordinal()
    bands = rng.choices(_AGES, weights=[share for *_, share in _AGES], k=count)
    return [newest - int((first + rng.random() * years) * 365.2425) - 1 for first, years, _ in bands]


def _unique_ids(counties: list[County], births: list[int], women: list[bool]) -> list[str]:
    """Number the persons; when the five numbers of a county, day and sex are used up, the day before is taken."""
    days: dict[int, str] = {}
    used: dict[tuple[str, int, bool], int] = {}
    ids = []
    for county, born, woman in zip(counties, births, women, strict=True):
        day = born
        while (taken := used.get((county.code, day, woman), 0)) == 5:  # noqa: PLR2004 - five odd and five even digits
            day -= 1
        used[county.code, day, woman] = taken + 1
        text = days.get(day) or days.setdefault(day, date.fromordinal(day).strftime("%Y%m%d"))
        ids.append(citizen_id(county.code, text, 2 * taken + (not woman)))
    return ids


def _names(rng: Random, women: list[bool], ethnic: list[str]) -> tuple[list[str], int]:
    """Name everybody: most Mongols in their own way, a few with a rare surname."""
    names = han_names(rng, women)
    mongol = [i for i, code in enumerate(ethnic) if code == _MONGOL and rng.random() < _MONGOL_NAME_SHARE]
    for i, name in zip(mongol, mongol_names(rng, [women[i] for i in mongol]), strict=True):
        names[i] = name
    own = set(mongol)
    rare = [i for i in range(len(names)) if i not in own and rng.random() < _RARE_SHARE] or [
        next(i for i in range(len(names)) if i not in own)
    ]
    for i in rare:
        names[i] = RARE_SURNAMES[int(rng.random() * len(RARE_SURNAMES))] + names[i][1:]
    return names, len(rare)
