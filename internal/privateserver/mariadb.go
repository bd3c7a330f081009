package privateserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
)

// MariaDBOptions say how a server of MariaDB or MySQL is set up.
type MariaDBOptions struct {
	// Relaxed leaves out the flushes to disk. Such a server keeps every commit
	// over Kill, but not over the machine's crash; without it the server flushes
	// as one in production does.
	Relaxed bool
	// Settings are further server settings, e.g. "log_bin": "binlog".
	Settings map[string]string
}

// MariaDB is a running MariaDB server. It is safe for concurrent use.
type MariaDB struct{ *mysqlServer }

var mariadb = product{
	name: "MariaDB", scheme: "mariadb",
	// They keep the data folder small, so that copying it is quick.
	files: []string{
		"--innodb-log-file-size=16M", "--innodb-data-file-path=ibdata1:4M:autoextend", "--innodb-autoextend-increment=1",
	},
	installer: mariadbInstaller,
	first:     []string{"DROP USER IF EXISTS root@localhost, mysql@localhost"}, // let in by the name of their process' user
	relaxed: map[string]string{
		"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "innodb-flush-method": "nosync", "sync-frm": "0",
	},
}

// StartMariaDB starts a private MariaDB server and returns when it answers. A
// missing installation is a not_found error that names the package.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) {
	m, err := startMySQL(ctx, mariadb, o)
	if err != nil {
		return nil, err
	}
	return &MariaDB{m}, nil
}

// mariadbInstaller finds the server and what makes its data folder.
func mariadbInstaller(files []string) (installer, error) {
	server, err := find("mariadbd")
	if err != nil {
		return installer{}, err
	}
	install, err := find("mariadb-install-db")
	if err != nil {
		return installer{}, err
	}
	command := slices.Concat(
		[]string{install, "--no-defaults", "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"},
		files, []string{"--datadir="})
	return installer{server, command}, nil
}

// find looks for a program of MariaDB: on PATH, else where Debian has servers,
// which a plain user's PATH leaves out.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if path := filepath.Join("/usr/sbin", program); executable(path) {
		return path, nil
	}
	return "", fault.New(fault.NotFound, "MariaDB's server is not installed: no %s on PATH or in /usr/sbin", program).
		Then("install it (Debian, Ubuntu: apt-get install mariadb-server) or put its folder on PATH")
}
