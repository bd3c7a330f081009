package mysql

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Inspect looks at a database without changing it; see executor.Inspector.
func (e engine) Inspect(ctx context.Context, url secret.Source) (executor.Inspection, error) {
	t := &target{url: url, flavour: e.flavour}
	c, err := t.connect(ctx, program("doctor"))
	if err != nil {
		return executor.Inspection{}, err
	}
	defer c.close()
	i := inspector{session: &session{connection: c}, target: t}
	return i.Inspection, i.look(ctx)
}

// inspector fills in an Inspection, part by part.
type inspector struct {
	executor.Inspection

	session *session
	target  *target
	facts   facts
}

func (i *inspector) look(ctx context.Context) error {
	for _, part := range []func(context.Context) error{i.server, i.clock, i.transport, i.leader, i.settings, i.lock, i.ledger, i.grants} {
		if err := part(ctx); err != nil {
			return i.session.explained(err)
		}
	}
	return nil
}

// server reads what the server says of itself.
func (i *inspector) server(ctx context.Context) error {
	err := i.session.QueryRowContext(ctx, "SELECT CURRENT_USER(), DATABASE()").Scan(&i.Login, &i.Database)
	if err != nil {
		return err
	}
	if i.facts, err = i.session.connection.facts(ctx); err != nil {
		return err
	}
	version, _, _ := strings.Cut(i.facts["version"], "-")
	product := "MySQL"
	if i.facts.flavour() == syntax.MariaDB {
		product = "MariaDB"
	}
	i.Product = product + " " + version
	i.Unsupported = untried(i.facts)
	return nil
}

// untried says that nobody has looked at a version. An older one than the
// executor takes is an obstacle, not this.
// https://dev.mysql.com/doc/refman/8.4/en/mysql-releases.html
// https://mariadb.org/about/#maintenance-policy
func untried(f facts) string {
	newest := map[syntax.Flavour]int{syntax.MySQL: 900, syntax.MariaDB: 1100}
	if f.release()/100 > newest[f.flavour()]/100 {
		return fmt.Sprintf("ShipSQL is meant for MySQL 8.0 to 9 and MariaDB 10.6 to 11, not %s", f["version"])
	}
	return ""
}

// clock compares the server's with ours; half of the way there and back is
// taken out.
func (i *inspector) clock(ctx context.Context) error {
	var clock time.Time
	sent := time.Now()
	if err := i.session.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&clock); err != nil {
		return err
	}
	received := time.Now()
	i.Ahead = clock.Sub(sent.Add(received.Sub(sent) / 2)).Round(time.Millisecond)
	return nil
}

// transport asks the server whether the session is encrypted, and the URL
// whether the server had to prove its name.
func (i *inspector) transport(ctx context.Context) error {
	var name, cipher string
	if err := i.session.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher); err != nil {
		return err
	}
	url, err := i.target.url.Read()
	if err != nil {
		return err
	}
	config, err := parseURL(url)
	if err != nil {
		return err
	}
	remote := false
	if wire := i.session.wire.Load(); wire != nil {
		tcp, ok := (*wire).RemoteAddr().(*net.TCPAddr)
		remote = ok && !tcp.IP.IsLoopback()
	}
	switch {
	case cipher != "" && config.TLS != nil && !config.TLS.InsecureSkipVerify:
		i.Transport = executor.TransportVerified
	case cipher != "":
		i.Transport = executor.TransportUnverified
	case remote:
		i.Transport = executor.TransportPlain
	default:
		i.Transport = executor.TransportLocal
	}
	return nil
}

// leader says whether another server leads this one. A login that may not know
// sees a server that is read only.
func (i *inspector) leader(ctx context.Context) error {
	if !i.facts.on("read_only") && !i.facts.on("super_read_only") && !i.facts.on("innodb_read_only") {
		return nil
	}
	rows, err := i.session.QueryContext(ctx, "SHOW REPLICA STATUS") // since MySQL 8.0.22 and MariaDB 10.5
	if err != nil {
		i.ReadOnly = true
		return nil // the privilege is optional
	}
	defer func() { _ = rows.Close() }()
	i.Replica = rows.Next()
	i.ReadOnly = !i.Replica
	return rows.Err()
}

// lock looks who has the lock; looking takes it from nobody.
func (i *inspector) lock(ctx context.Context) error {
	i.session.lock = lockName(i.Database)
	var used bool
	err := i.session.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?) IS NOT NULL", i.session.lock).Scan(&used)
	if err == nil && used {
		i.LockHeldBy, err = i.session.holder(ctx)
	}
	return err
}

// ledger reads the ledger's format, if this login may.
func (i *inspector) ledger(ctx context.Context) error {
	exists, err := i.session.hasLedger(ctx)
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		i.LedgerBad = bad.Message
		return nil
	}
	if err != nil || !exists {
		return err
	}
	return i.session.QueryRowContext(ctx, "SELECT format FROM shipsql_meta").Scan(&i.Ledger)
}
