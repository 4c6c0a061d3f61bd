SELECT
  strftime("月份", '%Y-%m') AS "月份",
  count(*) FILTER (WHERE "水质类别" IN ('Ⅰ类', 'Ⅱ类')) AS "Ⅰ至Ⅱ类",
  count(*) FILTER (WHERE "水质类别" = 'Ⅲ类') AS "Ⅲ类",
  count(*) FILTER (WHERE "水质类别" IN ('Ⅳ类', 'Ⅴ类')) AS "Ⅳ至Ⅴ类",
  count(*) FILTER (WHERE "水质类别" = '劣Ⅴ类') AS "劣Ⅴ类"
FROM "地表水断面水质"
WHERE ($league IS NULL OR "盟市" = $league)
GROUP BY 1 ORDER BY 1
