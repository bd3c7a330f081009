package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// oldest is the oldest version that the community supports. Older ones may work;
// nobody has looked.
// https://www.postgresql.org/support/versioning/
const oldest = 140000

// Inspect looks at a database without changing it; see executor.Inspector.
func (e engine) Inspect(ctx context.Context, url secret.Source) (executor.Inspection, error) {
	t := &target{url: url, parser: e.parser}
	params := settings(executor.Limits{}.WithDefaults(), "doctor")
	conn, err := t.connect(ctx, params)
	if err != nil {
		return executor.Inspection{}, err
	}
	defer closeQuietly(ctx, conn)
	i := inspector{session: &session{Conn: conn}, target: t, params: params}
	return i.Inspection, explained(conn, i.look(ctx))
}

// inspector fills in an Inspection, part by part.
type inspector struct {
	executor.Inspection

	session *session
	target  *target
	params  map[string]string
}

func (i *inspector) look(ctx context.Context) error {
	for _, part := range []func(context.Context) error{i.server, i.pooler, i.lock, i.ledger, i.grants, i.writes} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// server reads what the server says of itself, and compares the clocks.
func (i *inspector) server(ctx context.Context) error {
	var version string
	var number int
	var clock time.Time
	sent := time.Now()
	err := i.session.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('server_version_num')::int,
		current_user, current_database(), pg_is_in_recovery(),
		current_setting('transaction_read_only') = 'on' AND NOT pg_is_in_recovery(), clock_timestamp()`).
		Scan(&version, &number, &i.Login, &i.Database, &i.Replica, &i.ReadOnly, &clock)
	if err != nil {
		return err
	}
	received := time.Now()
	i.Ahead = clock.Sub(sent.Add(received.Sub(sent) / 2)).Round(time.Millisecond)
	i.Product = "PostgreSQL " + version
	i.Transport = transport(i.session.PgConn().Conn())
	if number < oldest {
		i.Unsupported = fmt.Sprintf("ShipSQL is meant for PostgreSQL %d and newer", oldest/10000)
	}
	return nil
}

// transport says how safe a connection is.
func transport(conn net.Conn) executor.Transport {
	if secured, ok := conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		if len(secured.ConnectionState().VerifiedChains) > 0 {
			return executor.TransportVerified
		}
		return executor.TransportUnverified
	}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		return executor.TransportPlain
	}
	return executor.TransportLocal
}

// pooler uses the executor's own test, and its own start-up parameters.
func (i *inspector) pooler(ctx context.Context) error {
	var lockTimeout string
	err := i.session.QueryRow(ctx, "SELECT setting, pg_backend_pid()::bigint FROM pg_settings WHERE name = 'lock_timeout'").Scan(&lockTimeout, &i.session.pid)
	if err != nil {
		return err
	}
	err = i.session.checkPooler(ctx, i.target, i.params)
	if lockTimeout != i.params["lock_timeout"] {
		err = settingsRefused(i.session.where())
	}
	if refused, ok := errors.AsType[*fault.Error](err); ok && refused.Code == fault.Unsupported {
		i.Pooler, err = refused.Message, nil
	}
	return err
}

// lock tries the lock for the length of one statement.
func (i *inspector) lock(ctx context.Context) error {
	var had bool
	err := i.session.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1::int, $2::int)", lockClass, lockObject).Scan(&had)
	if err == nil && !had {
		i.LockHeldBy, err = i.session.holder(ctx)
	}
	return err
}

// ledger reads the ledger's format, if this login may.
func (i *inspector) ledger(ctx context.Context) error {
	var readable bool
	err := i.session.QueryRow(ctx, `SELECT coalesce(bool_or(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')), false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shipsql' AND c.relname = 'meta'`).Scan(&readable)
	if err != nil || !readable {
		return err
	}
	_, err = checkFormat(ctx, i.session.Conn)
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		i.LedgerBad = bad.Message
		return nil
	}
	if err != nil {
		return err
	}
	return i.session.QueryRow(ctx, "SELECT format FROM shipsql.meta").Scan(&i.Ledger)
}

// writes lists what the login may change, for one that is meant to read.
func (i *inspector) writes(ctx context.Context) error {
	var super, createsSchemas bool
	var schemas []string
	var tables int
	var example string
	err := i.session.QueryRow(ctx, `SELECT r.rolsuper, has_database_privilege(current_database(), 'CREATE'),
		ARRAY(SELECT nspname::text FROM pg_namespace n WHERE `+userSchemas+` AND has_schema_privilege(n.oid, 'CREATE') ORDER BY 1),
		w.tables, coalesce(w.example, '')
		FROM pg_roles r, (SELECT count(*) AS tables, min(format('%I.%I', n.nspname, c.relname)) AS example
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p', 'v', 'f') AND `+userSchemas+`
			  AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) w
		WHERE r.rolname = current_user`).Scan(&super, &createsSchemas, &schemas, &tables, &example)
	if err != nil || super {
		if super {
			i.Writes = []string{"everything, as a superuser"}
		}
		return err
	}
	if createsSchemas {
		i.Writes = append(i.Writes, "create schemas in the database")
	}
	if len(schemas) > 0 {
		i.Writes = append(i.Writes, "create tables in the schemas "+strings.Join(schemas, ", "))
	}
	switch {
	case tables == 1:
		i.Writes = append(i.Writes, "change rows of "+example)
	case tables > 1:
		i.Writes = append(i.Writes, fmt.Sprintf("change rows of %d tables, e.g. %s", tables, example))
	}
	return nil
}

// ident quotes names for statements that people run.
func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
