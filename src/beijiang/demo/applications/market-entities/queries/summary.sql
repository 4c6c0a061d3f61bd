-- 注册资本在登记册里是带单位的文字；取其中的万元数，取不出的不计。
SELECT
  count(*) AS "户数",
  round(sum(CAST(nullif(regexp_extract(replace("注册资本", ',', ''), '[0-9]+[.]?[0-9]*'), '') AS DOUBLE)) / 10000, 2) AS "注册资本（亿元）",
  round(100.0 * count(*) FILTER (WHERE "基本信息_登记状态" IN ('存续', '在营', '开业')) / nullif(count(*), 0), 1) AS "在营比例（%）",
  count(DISTINCT "经营地_旗县") AS "旗县数"
FROM "企业登记信息"
WHERE ($league IS NULL OR "经营地_盟市" = $league)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
  AND ($year IS NULL OR year("基本信息_成立日期") = $year)
