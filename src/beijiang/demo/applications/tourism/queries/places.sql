SELECT "景区名称", "质量等级", "经度", "纬度" FROM "旅游景区"
WHERE "经度" IS NOT NULL AND ($league IS NULL OR "盟市" = $league) AND ($spot IS NULL OR "景区名称" = $spot)
ORDER BY "质量等级" DESC, 1 LIMIT 500
