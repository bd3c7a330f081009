package torture_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor"
	mysqlengine "github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// mysqlIfThere is MySQL, which differs from MariaDB in little that the harness
// knows, but commits each DDL as a whole, and keeps a binary log.
func mysqlIfThere() []product {
	if !privateserver.HasMySQL() || raceDetector { // which has seen the engine on MariaDB
		return nil
	}
	p := mariadb
	p.name, p.scenes = mysqlengine.MySQL, myScenes
	p.engine = func() executor.Engine { return mysqlengine.New(syntax.MySQL) }
	p.start = func(tb privateserver.TB) server {
		return privateserver.OwnMySQL(tb, privateserver.MariaDBOptions{Relaxed: true})
	}
	p.bad.database = func(t *testing.T) string { return privateserver.MySQLDatabase(t) }
	p.bad.replica = func(t *testing.T) string {
		return ownDatabase(t, privateserver.OwnMySQL(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"read_only": "1"}}))
	}
	p.bad.full = func(t *testing.T) (string, string) {
		return ownDatabase(t, privateserver.OwnMySQL(t, small("ibdata1:8M"))), hog
	}
	return []product{p}
}
