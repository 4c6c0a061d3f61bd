SELECT
  year("基本信息_成立日期") AS "年份",
  count(*) AS "新登记户数",
  round(sum(CASE WHEN regexp_full_match(replace("注册资本", ' ', ''), '[0-9][0-9,]*([.][0-9]+)?[(（]?万(人民币)?元?(人民币)?[)）]?')
    THEN CAST(replace(regexp_extract("注册资本", '[0-9][0-9,]*([.][0-9]+)?'), ',', '') AS DOUBLE) END) / 10000, 2) AS "注册资本（亿元）"
FROM "企业登记信息"
WHERE "基本信息_成立日期" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($county IS NULL OR "经营地_旗县" = $county)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
GROUP BY 1
ORDER BY 1
