"""The demo region's files: same seed same bytes, the dirt that was promised, and nobody real in them.

Everything is read back with stock readers (csv, json, calamine, dbfread, zipfile, pyarrow), and the check digits are
computed here by the letter of the standards, so a fault in the writers cannot hide behind itself.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from subprocess import run

import dbfread
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from beijiang.demo.files import HandIn, OpenType, ShareType, write_later, write_region
from beijiang.kit import Invalid

SCALE = 0.01
CITIZEN = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[0-9Xx](?![0-9A-Za-z])")
MOBILE = re.compile(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z.])")
CREDIT = re.compile(r"(?<![0-9A-Za-z])[19][1-3]\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])")
ENCODINGS = {
    "人口基础信息": "gb18030",
    "社会保险参保人员": "gb18030",
    "旅游景区": "gb18030",
    "重点用能企业用电量": "utf-16",
}
HALF = {0xFEE0 + code: code for code in range(0x21, 0x7F)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("region")


@pytest.fixture(scope="module")
def handed_in(folder: Path) -> dict[str, HandIn]:
    return {handin.table_name: handin for handin in write_region(folder, scale=SCALE)}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def citizen_number_is_valid(number: str) -> bool:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(c) * w for c, w in zip(number[:17], weights, strict=True)) % 11] == number[17]


def credit_code_is_valid(code: str) -> bool:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
    return alphabet[(31 - total % 31) % 31] == code[17]


def org_code_is_valid(code: str) -> bool:
    rest = 11 - sum(int(c, 36) * w for c, w in zip(code[:8], [3, 7, 9, 10, 5, 8, 4, 2], strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest)) == code[8]


def delimited(handin: HandIn, encoding: str, delimiter: str = ",") -> list[list[str]]:
    text = handin.path.read_bytes().decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def sheet(handin: HandIn) -> list[list[object]]:
    book = CalamineWorkbook.from_path(str(handin.path))
    name = handin.sheet or book.sheet_names[0]
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def column(handin: HandIn, rows: list[list[object]], name: str) -> list[object]:
    at = handin.columns.index(name)
    return [row[at] for row in rows]


def population_lines(handin: HandIn) -> list[bytes]:
    """Return the raw records; a line break inside quotes is a bare line feed, record ends are CRLF."""
    return handin.path.read_bytes().removesuffix(b"\r\n").split(b"\r\n")[1:]


def population(handin: HandIn) -> tuple[list[list[str]], int]:
    """Return the decodable records and the number of the others."""
    good, bad = [], 0
    for raw in population_lines(handin):
        try:
            good.append(next(csv.reader([raw.decode("gb18030")])) if b"\n" not in raw else _multi(raw))
        except UnicodeDecodeError:
            bad += 1
    return good, bad


def _multi(raw: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(raw.decode("gb18030"), newline="")))


def venues(handin: HandIn, tmp_path: Path) -> tuple[dbfread.DBF, str]:
    with zipfile.ZipFile(handin.path) as archive:
        assert archive.testzip() is None
        (member,) = archive.infolist()
        target = tmp_path / "venues.dbf"
        target.write_bytes(archive.read(member))
    return dbfread.DBF(target, load=True), member.filename


def texts(handin: HandIn, tmp_path: Path) -> Iterator[str]:
    """Yield every text of the file, half-width, whatever its format."""
    name = handin.path.name
    if name.endswith(".xlsx"):
        for row in sheet(handin):
            yield from (str(cell) for cell in row)
    elif name.endswith(".zip"):
        for record in venues(handin, tmp_path)[0]:
            yield from map(str, record.values())
    elif name.endswith(".parquet"):
        yield str(pq.read_table(handin.path).to_pylist())
    else:
        yield handin.path.read_bytes().decode(ENCODINGS.get(handin.table_name, "utf-8-sig"), "replace")


def test_the_checks_used_here_agree_with_the_standards_vectors() -> None:
    assert citizen_number_is_valid("11010519491231002X")
    assert not citizen_number_is_valid("110105194912310021")
    assert credit_code_is_valid("91350100M000100Y43")
    assert not credit_code_is_valid("91350100M000100Y4X")
    assert org_code_is_valid("D2143569X")


def test_same_seed_gives_same_bytes_and_another_seed_does_not(tmp_path: Path, folder: Path, handed_in: object) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    write_region(again, scale=SCALE)
    write_region(other, scale=SCALE, seed=7)
    first = digests(folder)
    assert len(first) == 33
    assert digests(again) == first
    changed = {name for name, digest in digests(other).items() if digest != first[name]}
    facts = {
        "行政区划代码表",
        "经济预警规则",
        "信用评分规则",
        "环境空气质量限值",
        "环境空气质量评价规则",
        "空气质量指数级别",
    }
    assert changed == set(first) - {f"{name}.csv" for name in facts}


def test_bytes_do_not_depend_on_the_hash_seed_or_the_process(tmp_path: Path, folder: Path, handed_in: object) -> None:
    code = f"from pathlib import Path; from beijiang.demo.files import write_region; write_region(Path({str(tmp_path)!r}), scale={SCALE})"
    run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "4711", "PYTHONPATH": ":".join(sys.path)})
    assert digests(tmp_path) == digests(folder)


@pytest.mark.parametrize(
    ("scale", "table", "rows"),
    [
        (0.02, "人口基础信息", 4_000),
        (0.02, "企业登记信息", 1_000),
        (0.02, "行政许可", 400),
        (0.02, "行政处罚", 160),
        (0.02, "社会保险参保人员", 600),
        (0.02, "学校名录", 30),
    ],
)
def test_sizes_follow_the_scale(tmp_path: Path, scale: float, table: str, rows: int) -> None:
    handins = {handin.table_name: handin for handin in write_region(tmp_path, scale=scale)}
    assert handins[table].rows == rows


def test_full_sizes_are_those_of_the_brief(tmp_path: Path) -> None:
    from beijiang.demo.files import air, credit, enterprises, places, population
    from beijiang.demo.files.scene import Scene

    scene = Scene(tmp_path, 2026, 1.0)
    assert scene.size(population.FULL_SIZE) == 200_000
    assert scene.size(enterprises.FULL_SIZE) == 50_000
    assert (scene.size(credit.LICENCES), scene.size(credit.PENALTIES)) == (20_000, 8_000)
    assert air.STATIONS * air.DAYS * 24 == 64_800
    assert (scene.size(places.WATCH_POINTS), scene.size(places.VENUES)) == (800, 1_200)
    assert len(scene.counties) == 103


def test_population_holds_the_dirt_it_declares(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["人口基础信息"]
    good, bad = population(handin)
    planted = handin.planted
    assert len(good) + bad == handin.rows == 2_000
    assert bad == planted["undecodable"] == 1
    assert sum(1 for row in good if len(row) != len(handin.columns)) == planted["wrong_width"]
    fit = [row for row in good if len(row) == len(handin.columns)]
    ids = [row[0] for row in fit]
    plain = [number for number in ids if number.isascii()]
    assert sum(1 for number in ids if not number.isascii()) == planted["full_width_id"]
    assert sum(1 for number in plain if not citizen_number_is_valid(number)) == planted["wrong_check_digit"]
    assert sum(1 for row in fit if "\n" in row[5]) == planted["line_break_in_address"]
    assert sum(1 for row in fit if not row[5]) == planted["missing_address"]
    assert sum(1 for row in fit if not row[7]) == planted["missing_phone"]
    assert sum(1 for row in fit if not row[8]) == planted["missing_marital_status"]
    assert sum(1 for row in fit if row[7] and not row[7].isascii()) == planted["full_width_phone"]
    women = ["2" if int(row[0].translate(HALF)[16]) % 2 == 0 else "1" for row in fit]
    assert sum(1 for row, sex in zip(fit, women, strict=True) if row[2] != sex) == planted["sex_mismatch"]
    repeated = Counter(ids)
    copies = Counter(map(tuple, fit))
    assert sum(count - 1 for count in copies.values()) == planted["duplicate_row"]
    assert (
        sum(count - 1 for count in repeated.values()) == planted["duplicate_row"] + planted["duplicate_id_older_date"]
    )
    four_byte = sum(1 for row in good if any(ord(c) > 0xFFFF for c in "".join(row)))
    assert planted["four_byte_name"] - bad <= four_byte <= planted["four_byte_name"] + planted["duplicate_row"] * 2


def test_population_dates_come_in_five_styles_and_agree_with_the_id(handed_in: dict[str, HandIn]) -> None:
    fit = [row for row in population(handed_in["人口基础信息"])[0] if len(row) == 10]
    styles = Counter(re.sub(r"\d+", "9", row[4]) for row in fit)
    assert set(styles) == {"9", "9-9-9", "9年9月9日", "9.9.9", "9/9/9"}
    for row in fit:
        year, month, day = (row[4][:4], row[4][4:6], row[4][6:]) if row[4].isdigit() else re.findall(r"\d+", row[4])
        assert f"{int(year):04d}{int(month):02d}{int(day):02d}" == row[0].translate(HALF)[6:14]
        assert row[9].replace("-", "") >= f"{int(year):04d}{int(month):02d}{int(day):02d}" or row[9].endswith("-01-15")


def test_population_names_include_mongolian_ones(handed_in: dict[str, HandIn]) -> None:
    fit = [row for row in population(handed_in["人口基础信息"])[0] if len(row) == 10]
    mongol = [row[1] for row in fit if row[3] == "02"]
    assert 0.12 < len(mongol) / len(fit) < 0.24
    assert any("其其格" in name for name in mongol)
    assert any("·" in name for name in mongol)


def test_enterprises_hold_the_dirt_they_declare(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["企业登记信息"]
    whole = sheet(handin)
    assert "汇总表" in str(whole[0][0])
    assert [str(cell) for cell in whole[2][:2]] == ["序号", "基本信息"]
    groups: list[str] = []
    for cell in whole[2]:
        groups.append(str(cell) or groups[-1])
    named = tuple(f"{group}_{below}" if below else group for group, below in zip(groups, whole[3], strict=True))
    assert named == handin.columns
    rows = whole[4:]
    planted = handin.planted
    assert len(rows) == handin.rows == 500
    codes = [str(code) for code in column(handin, rows, "基本信息_统一社会信用代码")]
    assert sum(1 for code in codes if not code.isascii()) == planted["full_width_code"]
    assert (
        sum(1 for code in codes if code.isascii() and not credit_code_is_valid(code))
        == planted["wrong_check_character"]
    )
    assert sum(count - 1 for count in Counter(codes).values()) == planted["duplicate_row"]
    dates = column(handin, rows, "基本信息_成立日期")
    assert sum(1 for cell in dates if isinstance(cell, float)) == planted["bare_serial_date"]
    assert sum(1 for cell in dates if isinstance(cell, str)) == planted["text_date"]
    assert (
        sum(1 for cell in dates if isinstance(cell, date | datetime))
        == 500 - planted["bare_serial_date"] - planted["text_date"]
    )
    capital = [str(cell) for cell in column(handin, rows, "注册资本")]
    assert capital.count("N/A") == planted["missing_capital"]
    assert sum(1 for cell in capital if re.fullmatch(r"[\d,]+万美元", cell)) == planted["foreign_capital"]
    assert (
        sum(1 for cell in capital if re.fullmatch(r"\d+\(万(人民币元)?\)", cell))
        == planted["capital_with_unit_in_brackets"]
    )
    assert column(handin, rows, "经营地_盟市").count("内蒙古") == planted["missing_city"]
    assert (
        sum(1 for cell in column(handin, rows, "基本信息_企业名称") if "\n" in str(cell))
        == planted["line_break_in_name"]
    )
    states = column(handin, rows, "基本信息_登记状态")
    left = column(handin, rows, "基本信息_注销吊销日期")
    assert [bool(day) for day in left] == [state in {"注销", "吊销"} for state in states], "who left has a day"
    assert all(day >= founded for day, founded in zip(left, dates, strict=True) if day and isinstance(founded, date))
    phones = column(handin, rows, "法定代表人_联系电话")
    assert sum(1 for cell in phones if not str(cell).isascii()) == planted["full_width_phone"]


def test_sole_traders_show_no_home(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["企业登记信息"]
    rows = [row for row in sheet(handin)[4:] if row[handin.columns.index("基本信息_企业类型")] == "个体工商户"]
    assert len(rows) > 50
    assert {str(cell) for cell in column(handin, rows, "经营地_经度")} == {""}
    assert not [cell for cell in column(handin, rows, "经营地_地址") if "号" in str(cell)]


def test_licences_hold_the_dirt_they_declare(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["行政许可"]
    assert handin.path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, *rows = delimited(handin, "utf-8-sig")
    planted = handin.planted
    assert tuple(header) == handin.columns
    assert len(rows) == handin.rows == 200
    at = {name: place for place, name in enumerate(header)}
    persons = [row for row in rows if row[at["行政相对人类别"]] == "2"]
    assert len(persons) == planted["natural_person"] > 0
    assert all(re.fullmatch(r".\*+", row[0]) for row in persons)
    firms = [row for row in rows if row[at["行政相对人类别"]] != "2"]
    wrong = sum(1 for row in firms if not credit_code_is_valid(row[at["统一社会信用代码"]]))
    assert wrong == planted["wrong_check_character"]
    assert sum(1 for row in rows if "\r\n" in row[at["许可内容"]]) == planted["line_break_in_content"]
    assert sum(1 for row in rows if not row[at["许可内容"]]) == planted["missing_content"]
    assert sum(1 for row in rows if row[at["有效期至"]] == "20010101") == planted["ends_before_start"]
    assert sum(count - 1 for count in Counter(map(tuple, rows)).values()) == planted["duplicate_row"]
    assert all(credit_code_is_valid(row[at["许可机关统一社会信用代码"]]) for row in rows)


def test_penalties_hold_the_dirt_they_declare(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["行政处罚"]
    header, *rows = sheet(handin)
    planted = handin.planted
    assert tuple(header) == handin.columns
    assert len(rows) == handin.rows == 80
    firms = [row for row in rows if row[1] != "2"]
    codes = [str(code) for code in column(handin, firms, "统一社会信用代码")]
    assert sum(1 for code in codes if not credit_code_is_valid(code)) == planted["wrong_check_character"]
    assert sum(1 for cell in column(handin, rows, "处罚事由") if cell == "") == planted["missing_facts"]
    fines = column(handin, rows, "罚款金额（万元）")
    assert sum(1 for cell in fines if str(cell).endswith("万元")) == planted["text_amount"]
    assert len(rows) - len(firms) == planted["natural_person"]
    assert sum(count - 1 for count in Counter(map(str, rows)).values()) == planted["duplicate_row"]


def test_licences_and_penalties_speak_of_registered_enterprises(handed_in: dict[str, HandIn]) -> None:
    register = handed_in["企业登记信息"]
    known = {str(c).translate(HALF)[:17] for c in column(register, sheet(register)[4:], "基本信息_统一社会信用代码")}
    licences = delimited(handed_in["行政许可"], "utf-8-sig")[1:]
    penalties = sheet(handed_in["行政处罚"])[1:]
    subjects = {str(row[2])[:17] for row in [*licences, *penalties] if row[2]}
    assert len(subjects) > 100
    assert subjects <= known


def test_yearbook_is_six_pivoted_sheets_in_one_workbook(handed_in: dict[str, HandIn]) -> None:
    tables = [handin for handin in handed_in.values() if handin.org_key == "statistics" and handin.sheet]
    assert len(tables) == 6
    assert len({handin.path for handin in tables}) == 1
    for handin in tables:
        rows = sheet(handin)
        assert str(rows[0][0]).startswith("表1-")
        assert "单位：" in str(rows[1][0])
        assert list(map(str, rows[2][:3])) == ["地区代码", "地区", handin.sheet]
        assert [str(cell) for cell in rows[3][2:]] == [f"{year}年" for year in range(2010, 2026)]
        assert len(rows) - 4 == handin.rows == 13
        cells = [cell for row in rows[4:] for cell in row[2:]]
        assert cells.count("—") == handin.planted["dash_for_missing"]
        assert all(isinstance(cell, float) and cell > 0 for cell in cells if cell != "—")


def test_months_are_long_sum_up_and_move_with_the_spring_festival(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["月度统计"]
    header, *rows = delimited(handin, "utf-8-sig")
    assert tuple(header) == handin.columns
    assert len(rows) == handin.rows
    known = {(row[0], row[1], row[3]): float(row[4]) for row in rows}
    assert len(known) == len(rows)
    series = Counter((row[1], row[3]) for row in rows)
    assert len(series) == 13 * 7
    assert series["150000", "公路客运量"] - series["152900", "公路客运量"] == handin.planted["missing_months"]
    leagues = [code for code, indicator in series if indicator == "公路客运量" and code != "150000"]
    whole = known["2026-10", "150000", "公路客运量"]
    assert abs(whole - sum(known["2026-10", code, "公路客运量"] for code in leagues)) < 0.1
    # Passengers travel in January when the festival is early (2023: 22 January), in February when it is late (2024: the 10th).
    assert known["2023-01", "150000", "公路客运量"] > known["2024-01", "150000", "公路客运量"]
    assert known["2023-02", "150000", "公路客运量"] < known["2024-02", "150000", "公路客运量"]
    changed = {row[0] for row in rows if row[6] == "2025年口径"}
    assert min(changed) == "2025-07"


def test_lunar_new_years_are_a_lunar_year_apart(handed_in: object) -> None:
    text = files("beijiang").joinpath("standards", "reference", "lunar_new_year.csv").read_text("utf-8")
    days = [date.fromisoformat(row["on"]) for row in csv.DictReader(text.splitlines())]
    assert [day.year for day in days] == list(range(2000, 2041))
    assert all((1, 21) <= (day.month, day.day) <= (2, 20) for day in days)
    apart = {(after - before).days for before, after in pairwise(days)}
    assert apart <= {353, 354, 355, 383, 384, 385}


def test_air_has_gaps_repeats_and_plausible_values(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["空气质量小时数据"]
    header, *rows = delimited(handin, "utf-8")
    assert tuple(header) == handin.columns
    assert len(rows) == handin.rows
    values = [cell for row in rows for cell in row[8:14]]
    assert values.count("—") == handin.planted["missing_value"]
    assert sum(1 for row in rows if row[7] == "-;") == handin.planted["offline_hour"]
    keys = Counter((row[0], row[6]) for row in rows)
    assert sum(count - 1 for count in keys.values()) == handin.planted["duplicate_row"]
    assert len({row[0] for row in rows}) == 45
    assert all(97 < float(row[4]) < 127 and 37 < float(row[5]) < 54 for row in rows)
    assert all(0 < int(row[7]) <= 500 for row in rows if row[7].isdigit())


def test_watch_points_are_geojson_with_a_few_positions_missing(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["森林防火瞭望点"]
    features = json.loads(handin.path.read_text("utf-8"))["features"]
    assert len(features) == handin.rows
    assert sum(1 for feature in features if feature["geometry"] is None) == handin.planted["missing_geometry"]
    for feature in features:
        assert tuple(feature["properties"]) == handin.columns
        if feature["geometry"]:
            longitude, latitude = feature["geometry"]["coordinates"]
            assert 97 < longitude < 127
            assert 37 < latitude < 54


def test_venues_are_a_gbk_dbf_in_a_zip_with_a_gbk_name(handed_in: dict[str, HandIn], tmp_path: Path) -> None:
    handin = handed_in["文化场馆"]
    table, name = venues(handin, tmp_path)
    assert name.encode("cp437").decode("gbk") == "文化场馆.dbf"
    assert table.encoding in {"cp936", "gbk"}
    assert tuple(table.field_names) == handin.columns
    assert len(table.records) == handin.rows == 30
    assert len(table.deleted) == handin.planted["deleted_record"]
    assert sum(1 for record in table.records if record["建筑面积"] is None) == handin.planted["missing_area"]
    assert {type(record["更新日期"]) for record in table.records} == {date}
    assert {type(record["免费开放"]) for record in table.records} == {bool}


def test_small_lists_hold_the_rows_they_declare(handed_in: dict[str, HandIn]) -> None:
    title, header, *spots = delimited(handed_in["旅游景区"], "gb18030", "\t")
    assert len(title) == 1
    assert tuple(header) == handed_in["旅游景区"].columns
    assert len(spots) == handed_in["旅游景区"].rows
    free = handed_in["旅游景区"].planted["free_of_charge_in_words"]
    assert sum(1 for row in spots if row[7] == "免费") == free
    schools = [json.loads(text) for text in handed_in["学校名录"].path.read_text("utf-8").splitlines()]
    assert len(schools) == handed_in["学校名录"].rows
    assert sum(1 for school in schools if school["经度"] is None) == handed_in["学校名录"].planted["missing_position"]
    assert len(json.loads(handed_in["公交站点"].path.read_text("utf-8"))) == handed_in["公交站点"].rows
    weather = pq.read_table(handed_in["气象站日观测"].path)
    assert weather.num_rows == handed_in["气象站日观测"].rows
    assert weather["降水量"].null_count == handed_in["气象站日观测"].planted["missing_rain"]
    header, *power = delimited(handed_in["重点用能企业用电量"], "utf-16", "\t")
    assert len(power) == handed_in["重点用能企业用电量"].rows == 240
    assert sum(1 for row in power if "," in row[5]) == handed_in["重点用能企业用电量"].planted["thousands_separator"]
    assert len(delimited(handed_in["行政区划"], "utf-8")) - 1 == handed_in["行政区划"].rows == 121


def test_welfare_files_hold_the_dirt_they_declare(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["社会保险参保人员"]
    _, *rows = delimited(handin, "gb18030")
    assert len(rows) == handin.rows == 300
    assert sum(1 for row in rows if not row[0].isascii()) == handin.planted["full_width_id"]
    handin = handed_in["低保及防返贫监测对象"]
    rows = sheet(handin)[4:]
    assert len(rows) == handin.rows
    ids = Counter(map(str, column(handin, rows, "户主信息_公民身份号码")))
    assert sum(count - 1 for count in ids.values()) == handin.planted["duplicate_row"]


def test_nobody_real_can_be_in_any_file(handed_in: dict[str, HandIn], tmp_path: Path) -> None:
    """Every citizen number lies in the sequence block 990-999, every mobile in segment 154, every credit code in DEM."""
    seen: Counter[str] = Counter()
    for handin in handed_in.values():
        for text in texts(handin, tmp_path):
            half = text.translate(HALF)
            for number in CITIZEN.findall(half):
                assert number[14:16] == "99", (handin.table_name, number)
                seen["citizen"] += 1
            for number in MOBILE.findall(half):
                assert number.startswith("15400"), (handin.table_name, number)
                seen["mobile"] += 1
            for code in CREDIT.findall(half):
                if code[8:11] == "DEM":
                    seen["credit"] += 1
                else:
                    assert CITIZEN.fullmatch(code), (handin.table_name, code)
    assert seen["citizen"] > 2_500
    assert seen["mobile"] > 2_500
    assert seen["credit"] > 700


def test_organisation_part_of_credit_codes_is_valid_too(handed_in: dict[str, HandIn]) -> None:
    handin = handed_in["企业登记信息"]
    codes = [str(c).translate(HALF) for c in column(handin, sheet(handin)[4:], "基本信息_统一社会信用代码")]
    assert all(org_code_is_valid(code[8:17]) for code in codes)


def test_every_form_is_filled_in_by_the_catalog_rules(handed_in: dict[str, HandIn]) -> None:
    reference = files("beijiang").joinpath("standards", "reference")
    departments = {row["dept_id"] for row in csv.DictReader(reference.joinpath("departments_2018.csv").read_text("utf-8").splitlines())}  # fmt: skip
    cycles = {row["code"] for row in csv.DictReader(reference.joinpath("update_cycles.csv").read_text("utf-8").splitlines())}  # fmt: skip
    assert len(handed_in) == 38
    assert len({handin.category for handin in handed_in.values()}) == 26
    for handin in handed_in.values():
        assert handin.path.is_file()
        assert handin.org_key in departments
        assert handin.update_cycle in cycles
        assert re.fullmatch(r"[123]\d{2}\d{3}[0-9A-Za-z]*", handin.category)
        assert 0 < len(handin.title) <= 50
        assert 0 < len(handin.summary) <= 256
        assert len(set(handin.columns)) == len(handin.columns)
        assert set(handin.key_columns) <= set(handin.columns)
        assert bool(handin.share_condition) == (handin.share_type is ShareType.CONDITIONAL)
        assert bool(handin.no_share_basis) == (handin.share_type is ShareType.NOT_SHARED)
        assert bool(handin.open_columns) == bool(handin.licence) == (handin.open_type is not OpenType.NOT_OPEN)
        assert bool(handin.open_condition) == (handin.open_type is not OpenType.UNCONDITIONAL)
        assert set(handin.open_columns) <= {*handin.columns, "经度", "纬度"}


def test_enough_is_releasable_and_nothing_personal_is_marked_as_open(handed_in: dict[str, HandIn]) -> None:
    kinds = Counter(handin.open_type for handin in handed_in.values())
    assert kinds == {OpenType.UNCONDITIONAL: 33, OpenType.CONDITIONAL: 1, OpenType.NOT_OPEN: 4}
    closed = {handin.table_name for handin in handed_in.values() if handin.open_type is OpenType.NOT_OPEN}
    assert closed == {"人口基础信息", "社会保险参保人员", "股东出资信息", "低保及防返贫监测对象"}
    personal = ("身份", "证件", "法定代表人", "手机", "账号", "住址", "姓名")
    for handin in handed_in.values():
        assert not [name for name in handin.open_columns if any(word in name for word in personal)]


def test_the_next_delivery_continues_the_first(handed_in: dict[str, HandIn], tmp_path: Path) -> None:
    air, lookouts = write_later(tmp_path, scale=SCALE)
    before, after = delimited(handed_in["空气质量小时数据"], "utf-8")[1:], delimited(air, "utf-8")[1:]
    assert {tuple(row[:6]) for row in before} == {tuple(row[:6]) for row in after}
    assert max(row[6] for row in before) < min(row[6] for row in after)
    assert sum(1 for row in after if row[7] == "-;") == air.planted["offline_hour"]
    first = json.loads(handed_in["森林防火瞭望点"].path.read_text("utf-8"))["features"]
    second = json.loads(lookouts.path.read_text("utf-8"))["features"]
    assert [feature["properties"] for feature in first] == [feature["properties"] for feature in second]
    changed = [old for old, new in zip(first, second, strict=True) if old != new]
    assert len(changed) == handed_in["森林防火瞭望点"].planted["missing_geometry"]
    assert all(feature["geometry"] for feature in second)
    assert (air.table_name, lookouts.table_name) == ("空气质量小时数据", "森林防火瞭望点")


def test_progress_tells_every_file_and_the_end(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    write_region(tmp_path, scale=0.001, progress=lambda name, done, total: heard.append((name, done, total)))
    assert [done for _, done, _ in heard] == list(range(20))
    assert {total for *_, total in heard} == {19}
    assert heard[1][0] == "人口基础信息"
    assert heard[-1][0] == ""


@pytest.mark.parametrize("scale", [0.0, -1.0, 2.5, float("nan")])
def test_an_impossible_scale_is_refused_with_a_reason(tmp_path: Path, scale: float) -> None:
    with pytest.raises(Invalid) as caught:
        write_region(tmp_path / "never", scale=scale)
    assert caught.value.reason == "demo_scale"
    assert not (tmp_path / "never").exists()


def test_importing_the_writers_loads_no_heavy_library() -> None:
    code = "import sys, beijiang.demo; assert not {'duckdb', 'deltalake', 'pandas', 'polars', 'pyarrow', 'xlsxwriter'} & set(sys.modules)"
    run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_what_nobody_compared_with_the_text_of_the_standard_is_not_called_compared() -> None:
    for name in ("air_limits.csv", "air_rules.csv"):
        text = files("beijiang").joinpath("demo", "files", name).read_text("utf-8")
        rows = list(csv.DictReader(text.splitlines()))
        assert {row["核对"] for row in rows} <= {"已核对", "待核对"}
        for row in rows:
            assert row["核对"] == "待核对" or not re.search("未对照|转引|征求意见|修改单", row["依据"]), row
