WITH newest AS (SELECT max("日期") AS d FROM "景区客流"),
spots AS (
  SELECT v."景区名称" AS name, v."盟市" AS league, max(v."质量等级") AS grade, max(v."游客人次") AS most, max(v."最大承载量") AS able
  FROM "景区客流" v JOIN newest n ON v."日期" > n.d - INTERVAL 7 DAY
  WHERE ($league IS NULL OR v."盟市" = $league) AND ($spot IS NULL OR v."景区名称" = $spot)
  GROUP BY 1, 2
)
SELECT name AS "景区名称", league AS "盟市", grade AS "质量等级", most AS "最高一天", able AS "最大承载量", round(100.0 * most / able, 1) AS "负荷（%）",
  CASE WHEN most > able THEN '超过承载' WHEN most > 0.8 * able THEN '接近承载' ELSE '正常' END AS "状态"
FROM spots ORDER BY 6 DESC, 1
