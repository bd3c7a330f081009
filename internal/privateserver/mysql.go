package privateserver

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/shipsql/shipsql/internal/fault"
)

// HasMySQL says that MySQL can be started here. Debian's releases don't have it:
// scripts/mysql puts one from Debian's sid into a folder of its own.
func HasMySQL() bool { return mysqlProgram() != "" }

// mysqlProgram is what scripts/mysql made, "" if it didn't.
func mysqlProgram() string {
	dir := cmp.Or(os.Getenv("SHIPSQL_MYSQL_DIR"), fmt.Sprintf("/var/tmp/shipsql-mysql-%d", os.Geteuid()))
	info, err := os.Lstat(dir) //nolint:gosec // who sets the variable is who runs the tests
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	program := filepath.Join(dir, "mysqld")
	if !ok || int(owner.Uid) != os.Geteuid() || !executable(program) {
		return ""
	}
	return program
}

// MySQL is a running MySQL server. It is safe for concurrent use.
type MySQL struct{ *mysqlServer }

var mysqlProduct = product{
	name: "MySQL", scheme: "mysql",
	files: []string{"--innodb-data-file-path=ibdata1:8M:autoextend", "--innodb-autoextend-increment=1", "--innodb-redo-log-capacity=8M"},
	installer: func(files []string) (installer, error) {
		program := mysqlProgram()
		if program == "" {
			return installer{}, fault.New(fault.NotFound, "there is no MySQL server here").Then("run scripts/mysql")
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
// there is none, that is a not_found error.
func StartMySQL(ctx context.Context, o MariaDBOptions) (*MySQL, error) {
	m, err := startMySQL(ctx, mysqlProduct, o)
	if err != nil {
		return nil, err
	}
	return &MySQL{m}, nil
}
