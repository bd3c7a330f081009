package privateserver_test

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

const (
	givenPostgres = "SHIPSQL_TEST_POSTGRES_URL"
	givenMariaDB  = "SHIPSQL_TEST_MARIADB_URL"
	givenRedis    = "SHIPSQL_TEST_REDIS_URL"
)

// The shared servers are made once per process, so the part with given servers
// runs in a process of its own.
func TestGivenServersAreUsedAndLeftAlone(t *testing.T) {
	if os.Getenv(givenPostgres) != "" && os.Getenv(givenRedis) != "" {
		checkGivenServers(t)
		return
	}
	p, r := privateserver.OwnPostgres(t, privateserver.Options{}), privateserver.OwnRedis(t)
	m := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true})
	cmd := exec.Command(os.Args[0], "-test.run=^TestGivenServersAreUsedAndLeftAlone$")
	cmd.Env = append(os.Environ(), givenPostgres+"="+p.URL("postgres"), givenRedis+"="+r.URL(), givenMariaDB+"="+m.URL(""))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := redisClient(t, r.URL()).Ping(t.Context()).Err(); err != nil {
		t.Errorf("the given Redis did not outlive the process that used it: %v", err)
	}
}

func checkGivenServers(t *testing.T) {
	given, err := url.Parse(os.Getenv(givenPostgres))
	if err != nil {
		t.Fatal(err)
	}
	used := privateserver.Database(t)
	if u, _ := url.Parse(used); u.Host != given.Host || u.Path == given.Path {
		t.Errorf("Database is %s, want a new one on %s", used, given.Host)
	}
	mustExec(t, connect(t, used), "SELECT 1")
	given, err = url.Parse(os.Getenv(givenMariaDB))
	if err != nil {
		t.Fatal(err)
	}
	mariadb := privateserver.MariaDBDatabase(t)
	if u, _ := url.Parse(mariadb); u.Host != given.Host || u.Path == given.Path {
		t.Errorf("MariaDBDatabase is %s, want a new one on %s", mariadb, given.Host)
	}
	p, r, m := privateserver.SharedPostgres(t), privateserver.SharedRedis(t), privateserver.SharedMariaDB(t)
	for name, err := range map[string]error{
		"Kill": p.Kill(), "Restart": p.Restart(t.Context()),
		"MariaDB.Kill": m.Kill(), "MariaDB.Restart": m.Restart(t.Context()),
		"Redis.Kill": r.Kill(), "Redis.Restart": r.Restart(t.Context()),
	} {
		if fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%s of a given server: %v, want unsupported", name, err)
		}
	}
	if err := errors.Join(p.Stop(), m.Stop()); err != nil {
		t.Error(err)
	}
	mustExec(t, connect(t, used), "SELECT 1")
	mustExecMariaDB(t, openMariaDB(t, mariadb), "SELECT 1")
}
