package privateserver

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// TB is what these helpers need of a *testing.T or *testing.B. (The testing
// package itself stays out of the binary that has the demo.)
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// SharedPostgres is the one server of this test process, started on first use
// and ended with the process, or the one SHIPSQL_TEST_POSTGRES_URL points to.
// Don't break it: others use it.
func SharedPostgres(tb TB) *Postgres {
	tb.Helper()
	p, err := sharedPostgres()
	if err != nil {
		tb.Fatalf("shared PostgreSQL: %v", err)
	}
	return p
}

// Database is the URL of a fresh database on the shared server, which is
// dropped when the test ends.
func Database(tb TB) string {
	tb.Helper()
	p := SharedPostgres(tb)
	name := "t_" + strings.ToLower(rand.Text()[:16])
	if err := p.CreateDatabase(context.Background(), name); err != nil {
		tb.Fatalf("create a database for the test: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.DropDatabase(ctx, name); err != nil {
			tb.Fatalf("drop the test's database: %v", err)
		}
	})
	return p.URL(name)
}

// OwnPostgres is a server of this test alone, which it may kill and restart; it
// ends with the test.
func OwnPostgres(tb TB, o Options) *Postgres {
	tb.Helper()
	p, err := StartPostgres(context.Background(), o)
	if err != nil {
		tb.Fatalf("own PostgreSQL: %v", err)
	}
	tb.Cleanup(func() { stopAfter(tb, p.Stop) })
	return p
}

// SharedMariaDB is the one server of this test process, relaxed, or the one
// SHIPSQL_TEST_MARIADB_URL points to. Don't break it: others use it.
func SharedMariaDB(tb TB) *MariaDB {
	tb.Helper()
	m, err := sharedMariaDB()
	if err != nil {
		tb.Fatalf("shared MariaDB: %v", err)
	}
	return m
}

// MariaDBDatabase is the URL of a fresh database on the shared MariaDB, which is
// dropped when the test ends.
func MariaDBDatabase(tb TB) string {
	tb.Helper()
	return SharedMariaDB(tb).fresh(tb)
}

// fresh is the URL of a fresh database, which is dropped when the test ends.
func (m *mysqlServer) fresh(tb TB) string {
	tb.Helper()
	name := "t_" + strings.ToLower(rand.Text()[:16])
	if err := m.CreateDatabase(context.Background(), name); err != nil {
		tb.Fatalf("create a database for the test: %v", err)
	}
	tb.Cleanup(func() {
		// A session's metadata lock keeps DROP DATABASE waiting.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := m.DropDatabase(ctx, name); err != nil {
			tb.Fatalf("drop the test's database: %v", err)
		}
	})
	return m.URL(name)
}

// OwnMariaDB is a server of this test alone, which it may kill and restart; it
// ends with the test.
func OwnMariaDB(tb TB, o MariaDBOptions) *MariaDB {
	tb.Helper()
	m, err := StartMariaDB(context.Background(), o)
	if err != nil {
		tb.Fatalf("own MariaDB: %v", err)
	}
	tb.Cleanup(func() { stopAfter(tb, m.Stop) })
	return m
}

// SharedMySQL is the one MySQL of this test process, relaxed. Don't break it: others
// use it.
func SharedMySQL(tb TB) *MySQL {
	tb.Helper()
	m, err := sharedMySQL()
	if err != nil {
		tb.Fatalf("shared MySQL: %v", err)
	}
	return m
}

// MySQLDatabase is the URL of a fresh database on the shared MySQL, which is dropped
// when the test ends.
func MySQLDatabase(tb TB) string {
	tb.Helper()
	return SharedMySQL(tb).fresh(tb)
}

// OwnMySQL is a server of this test alone, which it may kill and restart; it ends
// with the test.
func OwnMySQL(tb TB, o MariaDBOptions) *MySQL {
	tb.Helper()
	m, err := StartMySQL(context.Background(), o)
	if err != nil {
		tb.Fatalf("own MySQL: %v", err)
	}
	tb.Cleanup(func() { stopAfter(tb, m.Stop) })
	return m
}

// SharedRedis is the one server of this test process, or the one
// SHIPSQL_TEST_REDIS_URL points to. Don't break or flush it: others use it.
func SharedRedis(tb TB) *Redis {
	tb.Helper()
	r, err := sharedRedis()
	if err != nil {
		tb.Fatalf("shared Redis: %v", err)
	}
	return r
}

// OwnRedis is a server of this test alone, which it may flush, kill and
// restart; it ends with the test.
func OwnRedis(tb TB) *Redis {
	tb.Helper()
	return OwnRedisWith(tb, RedisOptions{})
}

// OwnRedisWith is OwnRedis with options.
func OwnRedisWith(tb TB, o RedisOptions) *Redis {
	tb.Helper()
	r, err := StartRedisWith(context.Background(), o)
	if err != nil {
		tb.Fatalf("own Redis: %v", err)
	}
	tb.Cleanup(func() { stopAfter(tb, r.Stop) })
	return r
}

func stopAfter(tb TB, stop func() error) {
	if err := stop(); err != nil {
		tb.Fatalf("stop the test's server: %v", err)
	}
}

// The janitor ends these with the process.
var (
	sharedPostgres = sync.OnceValues(func() (*Postgres, error) {
		given := os.Getenv("SHIPSQL_TEST_POSTGRES_URL")
		if given == "" {
			return StartPostgres(context.Background(), Options{})
		}
		u, err := url.Parse(given)
		if err != nil {
			return nil, errors.New("SHIPSQL_TEST_POSTGRES_URL is no URL") // the cause would show the password
		}
		return &Postgres{given: u}, nil
	})
	sharedMariaDB = sync.OnceValues(func() (*MariaDB, error) {
		given := os.Getenv("SHIPSQL_TEST_MARIADB_URL")
		if given == "" {
			return StartMariaDB(context.Background(), MariaDBOptions{Relaxed: true})
		}
		u, err := url.Parse(given)
		if err != nil {
			return nil, errors.New("SHIPSQL_TEST_MARIADB_URL is no URL")
		}
		return &MariaDB{&mysqlServer{product: mariadb, given: u}}, nil
	})
	sharedMySQL = sync.OnceValues(func() (*MySQL, error) {
		return StartMySQL(context.Background(), MariaDBOptions{Relaxed: true})
	})
	sharedRedis = sync.OnceValues(func() (*Redis, error) {
		if given := os.Getenv("SHIPSQL_TEST_REDIS_URL"); given != "" {
			return &Redis{given: given}, nil
		}
		return StartRedis(context.Background())
	})
)
