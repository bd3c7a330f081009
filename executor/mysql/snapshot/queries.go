package snapshot

// own leaves out ShipSQL's ledger.
const own = " AND table_name NOT IN ('shipsql_migrations', 'shipsql_steps', 'shipsql_meta')"

const serverQuery = "SELECT version(), coalesce(database(), '')"

const tablesQuery = `SELECT table_name, table_type, coalesce(create_options, ''),
	coalesce(table_rows, -1), coalesce(data_length, 0) + coalesce(index_length, 0)
	FROM information_schema.tables WHERE table_schema = database() AND table_type <> 'SEQUENCE'` + own

const columnsQuery = `SELECT table_name, column_name, column_type, data_type, is_nullable = 'NO', column_default, lower(extra)
	FROM information_schema.columns WHERE table_schema = database()` + own + ` ORDER BY table_name, ordinal_position`

const indexesQuery = `SELECT table_name, index_name, non_unique = 0, coalesce(column_name, ''), coalesce(sub_part, 0), index_type
	FROM information_schema.statistics WHERE table_schema = database()` + own + ` ORDER BY table_name, index_name, seq_in_index`

const foreignKeysQuery = `SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema, k.referenced_table_name,
	k.referenced_column_name, r.update_rule, r.delete_rule
	FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
	ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name
	WHERE k.table_schema = database() AND k.referenced_table_name IS NOT NULL ORDER BY k.table_name, k.constraint_name, k.ordinal_position`

// A name is unique in a table on MariaDB, in a schema on MySQL.
const (
	mariadbChecksQuery = `SELECT table_name, constraint_name, check_clause, true
		FROM information_schema.check_constraints WHERE constraint_schema = database()` + own + ` ORDER BY 1, 2`
	mysqlChecksQuery = `SELECT t.table_name, t.constraint_name, c.check_clause, t.enforced = 'YES'
		FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
		ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
		WHERE t.table_schema = database() AND t.constraint_type = 'CHECK' ORDER BY 1, 2`
)

const functionsQuery = `SELECT r.routine_name, r.is_deterministic = 'YES',
	coalesce((SELECT group_concat(p.dtd_identifier ORDER BY p.ordinal_position SEPARATOR ', ') FROM information_schema.parameters p
		WHERE p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name AND p.routine_type = 'FUNCTION' AND p.ordinal_position > 0), '')
	FROM information_schema.routines r WHERE r.routine_schema = database() AND r.routine_type = 'FUNCTION'`
