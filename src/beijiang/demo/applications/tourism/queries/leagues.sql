WITH newest AS (SELECT max("日期") AS d FROM "景区客流")
SELECT v."盟市", sum(v."游客人次") AS "游客人次" FROM "景区客流" v JOIN newest n ON v."日期" > n.d - INTERVAL 7 DAY
GROUP BY 1 ORDER BY 2 DESC, 1
