package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
)

// facts is what a server says of itself: its variables, by name.
type facts map[string]string

// SHOW VARIABLES leaves out what a version doesn't know; a SELECT of @@variables
// would fail.
const factsSQL = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'server_id', 'server_uuid', 'server_uid', 'hostname', 'port',
	'read_only', 'super_read_only', 'innodb_read_only', 'wsrep_on', 'transaction_isolation', 'tx_isolation', 'transaction_read_only', 'tx_read_only',
	'lower_case_table_names', 'max_statement_time')`

func (c *connection) facts(ctx context.Context) (facts, error) {
	rows, err := c.QueryContext(ctx, factsSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	all := facts{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[strings.ToLower(name)] = value
	}
	return all, rows.Err()
}

// flavour is the product that answered, whatever the URL's scheme says.
func (f facts) flavour() syntax.Flavour {
	if strings.Contains(strings.ToLower(f["version"]+f["version_comment"]), "mariadb") {
		return syntax.MariaDB
	}
	return syntax.MySQL
}

// release is the version's first two numbers as one: 1011 for 10.11.
func (f facts) release() int {
	major, rest, _ := strings.Cut(f["version"], ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a*100 + b
}

// identity tells servers apart: a database that moved to another one in the
// middle of a run may lack what was just done.
func (f facts) identity() string {
	id := f["server_uuid"] // MySQL
	if id == "" {
		id = f["server_uid"] // MariaDB 10.5.26 and newer
	}
	return strings.Join([]string{id, f["server_id"], f["hostname"], f["port"]}, "/")
}

func (f facts) on(name string) bool { return f[name] == "ON" || f[name] == "1" }

// readOnly also knows MariaDB 12's degrees of it.
func (f facts) readOnly() bool {
	return f.on("read_only") || strings.HasPrefix(f["read_only"], "NO_LOCK")
}

// refuse says why migrations can't run on a server; nil when they can.
func (f facts) refuse() *fault.Error {
	oldest := map[syntax.Flavour]int{syntax.MySQL: 800, syntax.MariaDB: 1006}
	switch {
	case f.release() < oldest[f.flavour()]:
		return fault.New(fault.Unsupported, "%s %s is not supported: its schema changes are not atomic", f.flavour(), f["version"]).
			Then("upgrade to MySQL 8.0 or MariaDB 10.6, or newer")
	case f.on("super_read_only"), f.readOnly():
		return fault.New(fault.Conflict, "the server is read only, as a replica is").
			Then("give the URL of the primary; if this is the primary, turn read_only off")
	case f.on("innodb_read_only"):
		return fault.New(fault.Conflict, "the server's InnoDB is read only").Then("give the URL of the primary")
	case f.on("wsrep_on"):
		return fault.New(fault.Unsupported, "the server is a node of a Galera cluster, where one node's lock keeps out nobody on the others").
			Then("run the migrations by hand on one node")
	}
	return nil
}

// either names the variable that the server knows by one of two names.
func (f facts) either(a, b string) string {
	if _, ok := f[a]; ok {
		return a
	}
	return b
}
