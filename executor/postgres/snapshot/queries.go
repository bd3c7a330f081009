package snapshot

// ours is the condition on pg_namespace n that leaves out the system's schemas,
// temporary ones and the ledger's.
const ours = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql')
	AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'`

// serverQuery leaves out what distributions append: 15.14 (Debian 15.14-0+deb12u1).
const serverQuery = `SELECT split_part(current_setting('server_version'), ' ', 1), current_schemas(false)::text[]`

// tablesQuery measures no table that somebody holds, or waits for, an ACCESS
// EXCLUSIVE lock on: pg_relation_size would wait too. The planner's page count
// stands in where there is one. What has no bytes has no rows; before version 14 an unknown count
// was 0 rows on 0 pages.
const tablesQuery = `
SELECT n.nspname, c.relname, c.relkind::text, c.relpersistence = 'u',
	c.relkind IN ('r', 'm') AND pages.n IS NOT NULL,
	CASE WHEN pages.n = 0 THEN 0 WHEN c.reltuples = 0 AND c.relpages = 0 THEN -1
		ELSE c.reltuples END::bigint,
	coalesce(pages.n, 0),
	coalesce(pn.nspname, ''), coalesce(pc.relname, ''),
	coalesce(dn.nspname, ''), coalesce(dc.relname, '')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT CASE
	WHEN c.relkind NOT IN ('r', 'm') THEN 0
	WHEN EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		THEN nullif(c.relpages, 0)::bigint * current_setting('block_size')::bigint
	ELSE coalesce(pg_relation_size(c.oid), 0) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) END AS n) pages ON true
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class pc ON pc.oid = i.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
LEFT JOIN pg_class dc ON dc.oid = p.partdefid
LEFT JOIN pg_namespace dn ON dn.oid = dc.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ` + ours

const columnsQuery = `
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity <> '', a.attgenerated <> ''
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ` + ours + `
ORDER BY a.attrelid, a.attnum`

// A trigger constraint has no rule to tell; NOT NULL (contype n, version 18) is
// told by the column.
const constraintsQuery = `
SELECT n.nspname, c.relname, k.conname, k.contype::text, k.convalidated, pg_get_constraintdef(k.oid),
	ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(num, ord)
		JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.ord),
	coalesce(fn.nspname, ''), coalesce(fc.relname, ''),
	ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(num, ord)
		JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.ord)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class fc ON fc.oid = nullif(k.confrelid, 0)
LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace
WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND ` + ours + `
ORDER BY k.conrelid, k.conname`

const indexesQuery = `
SELECT n.nspname, c.relname, x.relname, i.indisunique, i.indisprimary, i.indisvalid, i.indpred IS NOT NULL,
	pg_get_indexdef(i.indexrelid),
	ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(num, ord)
		LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num AND u.num <> 0
		WHERE u.ord <= i.indnkeyatts ORDER BY u.ord)
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ` + ours + `
ORDER BY i.indrelid, x.relname`

const functionsQuery = `
SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.provolatile::text
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'f' AND ` + ours + `
ORDER BY p.oid`

const domainsQuery = `
SELECT n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
	EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), coalesce(t.typdefault, '')
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND ` + ours

const enumsQuery = `
SELECT n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_enum e
JOIN pg_type t ON t.oid = e.enumtypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE ` + ours + `
GROUP BY 1, 2`
