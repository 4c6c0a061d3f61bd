SELECT count(*) AS "指标数",
  count(*) FILTER (WHERE "完成情况" = '达标') AS "达标",
  count(*) FILTER (WHERE "完成情况" = '未达标') AS "未达标",
  count(*) FILTER (WHERE "完成情况" = '未报送') AS "未报送"
FROM "督办指标"
