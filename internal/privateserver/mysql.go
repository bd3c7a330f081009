package privateserver

import (
	"context"
	"os"

	"github.com/shipsql/shipsql/internal/fault"
)

// MySQLProgram is the environment variable that names MySQL's server program:
// Debian's releases have MariaDB alone. scripts/mysql makes one and prints its path.
const MySQLProgram = "SHIPSQL_TEST_MYSQLD"

// MySQL is a running MySQL server. It is safe for concurrent use.
type MySQL struct{ *mysqlServer }

var mysqlProduct = product{
	name: "MySQL", scheme: "mysql",
	files: []string{"--innodb-data-file-path=ibdata1:8M:autoextend", "--innodb-autoextend-increment=1", "--innodb-redo-log-capacity=8M"},
	installer: func(files []string) (installer, error) {
		program := os.Getenv(MySQLProgram)
		if !executable(program) {
			return installer{}, fault.New(fault.NotFound, "%s names no server program of MySQL", MySQLProgram).Then("set it to what scripts/mysql prints")
		}
		command := append([]string{program, "--no-defaults", "--initialize-insecure"}, files...)
		return installer{program, append(command, "--datadir=")}, nil
	},
	first:    []string{"ALTER USER root@localhost ACCOUNT LOCK"}, // it has no password
	settings: map[string]string{"secure-file-priv": "NULL", "mysqlx": "0", "log-bin-trust-function-creators": "1"},
	relaxed: map[string]string{
		"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "innodb-flush-method": "nosync", "innodb-doublewrite": "OFF",
	},
}

// StartMySQL starts a private MySQL server and returns when it answers. Where
// MySQLProgram names none, that is a not_found error.
func StartMySQL(ctx context.Context, o MariaDBOptions) (*MySQL, error) {
	m, err := startMySQL(ctx, mysqlProduct, o)
	if err != nil {
		return nil, err
	}
	return &MySQL{m}, nil
}
