WITH newest AS (SELECT max("月份") AS m FROM "地表水断面水质"),
chosen AS (SELECT * FROM "地表水断面水质" WHERE ($league IS NULL OR "盟市" = $league))
SELECT
  count(*) FILTER (WHERE c."月份" = n.m) AS "断面数",
  round(100.0 * count(*) FILTER (WHERE c."月份" = n.m AND c."是否达标" = '是') / nullif(count(*) FILTER (WHERE c."月份" = n.m), 0), 1) AS "达标率（%）",
  round(100.0 * count(*) FILTER (WHERE c."月份" = n.m AND c."是否达标" = '是') / nullif(count(*) FILTER (WHERE c."月份" = n.m), 0)
    - 100.0 * count(*) FILTER (WHERE c."月份" = n.m - INTERVAL 1 YEAR AND c."是否达标" = '是') / nullif(count(*) FILTER (WHERE c."月份" = n.m - INTERVAL 1 YEAR), 0), 1) AS "比上年同月（百分点）",
  round(100.0 * count(*) FILTER (WHERE c."月份" = n.m AND c."水质类别" IN ('Ⅰ类', 'Ⅱ类', 'Ⅲ类')) / nullif(count(*) FILTER (WHERE c."月份" = n.m), 0), 1) AS "优良率（%）",
  count(*) FILTER (WHERE c."月份" = n.m AND c."水质类别" = '劣Ⅴ类') AS "劣五类"
FROM chosen c CROSS JOIN newest n
