SELECT count(*) AS "站点数", round(100.0 * count(*) FILTER (WHERE "无障碍") / nullif(count(*), 0), 1) AS "无障碍（%）", round(avg("线路数"), 1) AS "平均线路"
FROM "公交站点" WHERE ($league IS NULL OR "盟市" = $league)
