"""How search engines and other sites know the pages: canonical addresses, two languages, pictures of shared links, sitemap, robots."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from PIL import Image, ImageChops

from beijiang.opendata.cards import HEIGHT, WIDTH, Card, png
from beijiang.web.assets import font

if TYPE_CHECKING:
    from conftest import Portal

BASE = "http://data.example.test"
XHTML = "{http://www.w3.org/1999/xhtml}link"


def links(page: str, rel: str) -> list[dict[str, str]]:
    found = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<link ([^>]*)>", page)]
    return [one for one in found if one.get("rel") == rel]


def meta(page: str, name: str) -> str:
    return re.findall(rf'<meta property="{name}" content="([^"]*)">', page)[0]


def test_every_page_has_one_canonical_address_and_both_languages(portal: Portal) -> None:
    firms = portal.ids["firms"]
    for path in (
        "/",
        "/datasets",
        f"/datasets/{firms}",
        f"/datasets/{firms}/quality",
        "/news",
        "/help",
        "/developers",
        "/statistics",
    ):
        page = portal.page(path)
        assert [one["href"] for one in links(page, "canonical")] == [f"{BASE}{path}"]
        languages = {one["hreflang"]: one["href"] for one in links(page, "alternate") if "hreflang" in one}
        assert languages == {
            "zh-CN": f"{BASE}{path}?lang=zh-CN",
            "en": f"{BASE}{path}?lang=en",
            "x-default": f"{BASE}{path}",
        }
        assert [one["href"] for one in links(portal.page(f"{path}?lang=en"), "canonical")] == [f"{BASE}{path}?lang=en"]


def test_passing_words_are_not_in_the_canonical_address_and_host_never_is(portal: Portal) -> None:
    answer = portal.client.get(
        f"/datasets/{portal.ids['firms']}?_sort=盟市&q=企业&x=1",
        headers={"host": "evil.example", "accept": "text/html"},
    )
    assert [one["href"] for one in links(answer.text, "canonical")] == [
        f"{BASE}/datasets/{portal.ids['firms']}?q=%E4%BC%81%E4%B8%9A"
    ]
    assert "evil.example" not in answer.text


def test_a_shared_link_has_title_words_and_a_picture_of_its_own(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['firms']}")
    assert meta(page, "og:title").startswith("企业登记信息")
    address = meta(page, "og:image")
    assert address == f"{BASE}/datasets/{portal.ids['firms']}/card.png?lang=zh-CN"
    answer = portal.get(address.removeprefix(BASE))
    assert answer.headers["content-type"] == "image/png"
    assert "max-age=3600" in answer.headers["cache-control"]
    assert Image.open(io.BytesIO(answer.content)).size == (WIDTH, HEIGHT)
    again = portal.get(address.removeprefix(BASE), headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    site = portal.get("/card.png?lang=en")
    assert site.status_code == 200
    assert site.content != answer.content
    assert portal.get("/datasets/res_unknown/card.png").status_code == 404
    assert portal.get(f"/datasets/{portal.ids['closed']}/card.png").status_code == 200


def test_chinese_characters_are_drawn_as_themselves() -> None:
    path = font("fonts/card.woff2")
    assert path is not None, "build the assets: python packaging/build_assets.py"

    def drawn(title: str) -> Image.Image:
        return Image.open(io.BytesIO(png(Card("", title, "", ""), path))).convert("L")

    pictures = [drawn(character) for character in ("企", "业", "蒙", "𠮷")]
    missing = pictures.pop()  # not in the font: its box
    for number, one in enumerate(pictures):
        assert ImageChops.difference(one, missing).getbbox(), "a box instead of a character"
        assert all(ImageChops.difference(one, other).getbbox() for other in pictures[number + 1 :])


def test_a_long_title_stays_on_the_card() -> None:
    path = font("fonts/card.woff2")
    assert path is not None
    for title in ("内蒙古自治区" * 20, "A" * 300, "word " * 60, ""):
        picture = Image.open(io.BytesIO(png(Card("云上北疆", title, "部门" * 40, "事实" * 60), path))).convert("L")
        right = picture.crop((WIDTH - 60, 0, WIDTH, HEIGHT - 60))
        assert right.getextrema()[0] > 200, "something is drawn beyond the edge"


def test_the_sitemap_names_both_languages(portal: Portal) -> None:
    root = ET.fromstring(portal.get("/sitemap-1.xml").content)  # noqa: S314 - ours
    for url in root:
        found = {link.get("hreflang"): link.get("href") for link in url.iter(XHTML)}
        loc = url[0].text
        assert found == {"zh-CN": f"{loc}?lang=zh-CN", "en": f"{loc}?lang=en"}
    robots = portal.get("/robots.txt").text
    assert "Disallow: /console/" in robots
    assert "Disallow: /datasets/*/compare" in robots
