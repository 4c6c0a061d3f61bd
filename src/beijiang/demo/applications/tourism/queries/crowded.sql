WITH newest AS (SELECT max("日期") AS d FROM "景区客流")
SELECT v."景区名称", v."盟市", v."游客人次", v."最大承载量" FROM "景区客流" v JOIN newest n ON v."日期" = n.d
WHERE v."游客人次" > 0.8 * v."最大承载量" ORDER BY 1
