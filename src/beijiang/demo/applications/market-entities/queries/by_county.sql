SELECT
  "经营地_盟市" AS "盟市",
  "经营地_旗县" AS "旗县",
  count(*) AS "户数",
  round(sum(CASE WHEN regexp_full_match(replace("注册资本", ' ', ''), '[0-9][0-9,]*([.][0-9]+)?[(（]?万(人民币)?元?(人民币)?[)）]?')
    THEN CAST(replace(regexp_extract("注册资本", '[0-9][0-9,]*([.][0-9]+)?'), ',', '') AS DOUBLE) END) / 10000, 2) AS "注册资本（亿元）",
  round(100.0 * count(*) FILTER (WHERE NOT regexp_matches("基本信息_登记状态", '注销|吊销|撤销|迁出')) / nullif(count("基本信息_登记状态"), 0), 1) AS "在营比例（%）"
FROM "企业登记信息"
WHERE "经营地_旗县" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
  AND ($year IS NULL OR year("基本信息_成立日期") = $year)
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 110
