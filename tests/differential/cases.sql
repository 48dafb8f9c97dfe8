-- Statements that generated ones would rarely hit; one a line, compared before the generated ones.
SELECT tier::char(20), count(*), max(name::char(9)) FROM customers GROUP BY 1 ORDER BY 2
SELECT name::char(9) AS c, id FROM customers ORDER BY length(name)::numeric, id
SELECT left(name, 1)::"char", count(*) FROM customers GROUP BY 1
SELECT length(name)::bit(5), bit_or(length(name)::bit(5)), count(*) FROM customers GROUP BY 1
SELECT max(string_to_array(name, ' ')), min(ARRAY[tier, NULL, '"', '\', '{}']) FROM customers
SELECT string_to_array(payload->>'page', ':'), count(*) FROM events GROUP BY 1
SELECT string_to_array(payload->>'comment', E'\n') AS parts, id FROM events ORDER BY length(event_type)::numeric, id
SELECT int4range(0, (payload->>'added')::int), count(*) FROM events GROUP BY 1
SELECT max(int4range(0, (payload->>'added')::int)) FROM events
SELECT payload, id FROM events ORDER BY (payload->>'ratio')::float8 DESC NULLS LAST, id LIMIT 50
SELECT payload->'delta' AS d, max(id::text), min(payload::text) FROM events GROUP BY 1 ORDER BY 1
SELECT payload->>'comment', count(*), avg((payload->>'delta')::int) FROM events GROUP BY 1
SELECT sum((payload->>'wild')::numeric), avg((payload->>'wild')::numeric), max((payload->>'wild')::numeric) FROM events
SELECT sum((payload->>'wild')::numeric), avg((payload->>'wild')::numeric) FROM events WHERE (payload->>'wild') NOT IN ('NaN', 'Infinity')
SELECT avg((payload->>'wild')::numeric), event_type FROM events WHERE payload->>'wild' <> 'NaN' GROUP BY 2
SELECT sum((payload->>'delta')::bigint), sum((payload->>'delta')::smallint), sum((payload->>'delta')::int::numeric(20,5)) FROM events
SELECT avg((payload->>'delta')::bigint), avg((payload->>'delta')::smallint), avg((payload->>'delta')::numeric(20,5)) FROM events
SELECT avg((payload->>'added')::float8), sum((payload->>'added')::float8) FROM events
SELECT sum((payload->>'added')::text::money), max((payload->>'delta')::text::money) FROM events
SELECT avg(created_at - '2015-01-01'), sum(created_at - '2015-09-01'), min(created_at - '2015-09-01') FROM events
SELECT avg(make_interval(1, 2, 3)), sum(age(created_at, '2014-02-03')), count(age(created_at, '2014-02-03')) FROM events
SELECT max((payload->>'added')::real), min((payload->>'ratio')::real), count((payload->>'ratio')::real) FROM events
SELECT sum((payload->>'added')::real) FROM events
SELECT avg((payload->>'added')::real::float8) FROM events
SELECT count(*), sum(1), avg(2), min(3), max('x') FROM events WHERE false
SELECT count(*), sum(length(name)) FROM customers WHERE false HAVING count(*) = 0
SELECT event_type, count(*) FROM events WHERE false GROUP BY event_type
SELECT customer_id, count(*) FROM events WHERE false GROUP BY 1 ORDER BY 2
SELECT id FROM events WHERE false ORDER BY event_type, id
SELECT count(*) FROM events LIMIT 0
SELECT count(*) FROM events OFFSET 1
SELECT count(*) AS count, event_type AS sum FROM events GROUP BY sum ORDER BY sum, count
SELECT count(*) AS pgreeve FROM events
SELECT event_type AS c0, count(*) AS c1 FROM events GROUP BY c0 ORDER BY c1, c0
SELECT count(*) AS "select", count(id) AS "Mixed ""Case", sum(1) AS "ünï" FROM events
SELECT DISTINCT ON_ FROM (SELECT 1 AS on_) t
SELECT name AS tier, count(*) FROM customers GROUP BY tier, name ORDER BY tier, 2
SELECT upper(tier) AS tier, count(*) FROM customers GROUP BY tier ORDER BY tier
SELECT lower(name) AS name, tier FROM customers ORDER BY name, tier, id
SELECT name AS a, name AS a FROM customers ORDER BY a, id
SELECT DISTINCT tier, tier FROM customers
SELECT DISTINCT count(*) FROM events GROUP BY event_type
SELECT DISTINCT customer_id, event_type FROM events ORDER BY customer_id, event_type DESC LIMIT 20
SELECT DISTINCT event_type FROM events GROUP BY event_type, customer_id
SELECT DISTINCT count(*) FROM events GROUP BY customer_id
SELECT * FROM customers
SELECT c.* FROM customers c ORDER BY 2, 1
SELECT *, length(name) FROM customers ORDER BY length(name) DESC, name, id LIMIT 30
SELECT c.*, e.event_type FROM customers c JOIN events e ON c.id = e.customer_id ORDER BY e.created_at DESC, e.id LIMIT 5
SELECT customers FROM customers
SELECT customers, name FROM customers ORDER BY name, id
SELECT count(customers), count(customers.*) FROM customers
SELECT ROW(tier, 1), count(*) FROM customers GROUP BY 1
SELECT a.event_type, count(*) FROM events a JOIN events b USING (customer_id) WHERE a.event_type = b.event_type GROUP BY 1
SELECT customer_id, count(*) FROM events a JOIN events b USING (customer_id, id) GROUP BY customer_id ORDER BY 2 DESC, 1 LIMIT 9
SELECT jsonb_object_keys(payload), count(*) FROM events GROUP BY 1
SELECT jsonb_object_keys(payload) AS k, count(DISTINCT customer_id), max(length(event_type)) FROM events GROUP BY k ORDER BY 2 DESC, 1
SELECT generate_series(1, 2) AS g, id FROM customers ORDER BY g DESC, id LIMIT 12
SELECT DISTINCT jsonb_object_keys(payload) FROM events
SELECT generate_series(1, 3), count(*) FROM events
SELECT 'x' AS kind, count(*) FROM events GROUP BY kind
SELECT 1 AS one, count(*) + 1, '1' || event_type FROM events GROUP BY one, event_type
SELECT NULL AS nothing, count(*) FROM events GROUP BY 1
SELECT count(NULL), count('x'), sum(NULL::int), max(NULL::text) FROM events
SELECT bool_and((payload->>'isNew')::bool), every((payload->>'isRobot')::bool) FILTER (WHERE false) FROM events
SELECT count(DISTINCT customer_id), count(*), count(DISTINCT customer_id) * 2 FROM events
SELECT event_type, count(DISTINCT customer_id) FILTER (WHERE (payload->>'isNew')::bool) FROM events GROUP BY 1
SELECT count(DISTINCT payload->>'user') FILTER (WHERE (payload->>'isNew')::bool), count(*), avg((payload->>'delta')::int) FROM events
SELECT event_type, sum(DISTINCT (payload->>'delta')::int), avg(DISTINCT (payload->>'delta')::int), count(*) FROM events GROUP BY 1
SELECT count(DISTINCT event_type) FROM events WHERE false
SELECT customer_id, string_agg(id::text, ',' ORDER BY id), array_agg(event_type ORDER BY id), stddev(length(event_type)) FROM events GROUP BY customer_id
SELECT customer_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY length(payload->>'page')), mode() WITHIN GROUP (ORDER BY event_type) FROM events GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1
SELECT customer_id FROM events GROUP BY customer_id HAVING count(*) > 100 ORDER BY max(created_at), customer_id
SELECT (name = 'Ann') IS TRUE, (name IS NULL)::int, NOT (tier = 'x' AND name = 'y') OR name IS NULL, count(*) FROM customers GROUP BY 1, 2, 3
SELECT CASE WHEN avg(length(name)) > 3 AND count(*) > 2 THEN max(name) ELSE min(name) || '!' END, tier FROM customers GROUP BY tier
SELECT tier, count(*) * 100.0 / nullif(sum(length(name)), 0), round(avg(length(name)) * 10) / 10 FROM customers GROUP BY tier
SELECT -sum((payload->>'delta')::int), - - count(*), sum((payload->>'delta')::int) - -5, 2 - (3 - count(*)) FROM events
SELECT sum((payload->>'delta')::int) / count(*), sum((payload->>'delta')::int) % 7, (sum(length(event_type)) / 3) * 3 FROM events
SELECT sum((payload->>'delta')::int)::text || '/' || count(*)::text, to_char(avg((payload->>'delta')::int), '999.99') FROM events
SELECT greatest(count(*), 5), least(max(name), 'm'), coalesce(max(nullif(name, name)), 'none'), nullif(count(*), 0) FROM customers
SELECT count(*) FILTER (WHERE name > 'm') BETWEEN 1 AND 1000, max(name) IN ('a', 'b'), max(name) LIKE '%o_', max(name) IS DISTINCT FROM 'x' FROM customers
SELECT max(name COLLATE "C"), min(name COLLATE "C"), max(name) COLLATE "C" FROM customers
SELECT name COLLATE "C" AS n, count(*) FROM customers GROUP BY 1 ORDER BY 1 DESC
SELECT name FROM customers ORDER BY name COLLATE "C", id
SELECT tier, max(name) FROM customers GROUP BY tier ORDER BY max(name) COLLATE "C", tier
SELECT name < 'b' COLLATE "C" FROM customers
SELECT extract(epoch from max(created_at)), max(created_at) at time zone 'Asia/Tokyo', (max(created_at) at time zone 'UTC')::date, date_part('year', min(created_at)) FROM events
SELECT position('o' in name), substring(name from 2), overlay(name placing 'X' from 1), trim(leading 'Z' from name), count(*) FROM customers GROUP BY 1, 2, 3, 4
SELECT name LIKE 'A#_%' ESCAPE '#', name SIMILAR TO '(a|b)%', name !~ 'x', count(*) FROM customers GROUP BY 1, 2, 3
SELECT (payload->'nothing'->>'x')::int, payload #>> '{page}', payload ? 'delta', payload ?| ARRAY['a', 'delta'] FROM events WHERE payload @> '{"isNew": true}'
SELECT interval '1 day' * count(*), timestamp '2015-01-01' + sum(interval '1 hour'), date '2015-01-01' + count(*)::int FROM customers
SELECT (created_at, id) > ('2015-09-11'::timestamptz, id), count(*) FROM events GROUP BY 1
SELECT count(*) FROM events WHERE (event_type, 1) IN (('#commons', 1), ('#x', 2))
SELECT id FROM customers WHERE name = E'it\'s\\n' OR name = U&'\0441' OR name = $$x$$ OR name = 'O''Neil' ORDER BY id
SELECT count(*) FROM events WHERE created_at > now() AND created_at < current_timestamp(0) AND localtime IS NOT NULL
SELECT 1 / (count(*) - count(*)) FROM events
SELECT (payload->>'page')::int FROM events
SELECT sum((payload->>'added')::bigint * 9000000000000000000) FROM events
SELECT sum((payload->>'added')::int)::int4, sum(2147483647)::int2 FROM events
SELECT nothing FROM events
SELECT id, count(*) FROM events
SELECT name FROM customers ORDER BY 7
