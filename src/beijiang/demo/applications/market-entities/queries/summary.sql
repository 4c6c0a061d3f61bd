-- 注册资本在登记册里是带单位的文字；只计以人民币万元写的，外币和读不出的不计，另列户数。
-- 注销、吊销、撤销、迁出的不算在营；没有登记状态的不参与比例。
SELECT
  count(*) AS "户数",
  round(sum(CASE WHEN regexp_full_match(replace("注册资本", ' ', ''), '[0-9][0-9,]*([.][0-9]+)?[(（]?万(人民币)?元?(人民币)?[)）]?')
    THEN CAST(replace(regexp_extract("注册资本", '[0-9][0-9,]*([.][0-9]+)?'), ',', '') AS DOUBLE) END) / 10000, 2) AS "注册资本（亿元）",
  round(100.0 * count(*) FILTER (WHERE NOT regexp_matches("基本信息_登记状态", '注销|吊销|撤销|迁出')) / nullif(count("基本信息_登记状态"), 0), 1) AS "在营比例（%）",
  count(DISTINCT "经营地_旗县") AS "旗县数",
  count(*) FILTER (WHERE NOT coalesce(regexp_full_match(replace("注册资本", ' ', ''), '[0-9][0-9,]*([.][0-9]+)?[(（]?万(人民币)?元?(人民币)?[)）]?'), false)) AS "未计资本户数"
FROM "企业登记信息"
WHERE ($league IS NULL OR "经营地_盟市" = $league)
  AND ($county IS NULL OR "经营地_旗县" = $county)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
  AND ($year IS NULL OR year("基本信息_成立日期") = $year)
