package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/shipsql/shipsql/internal/privateserver"
)

// server is a private server that flushes what it commits.
type server struct {
	name   string // in the tables
	create func(ctx context.Context, database string) error
	url    func(database string) string
	files  int // of the folder that is applied
}

func startServers(ctx context.Context) (servers []server, end func() error, err error) {
	postgres, err := privateserver.StartPostgres(ctx, privateserver.Options{Durable: true})
	if err != nil {
		return nil, nil, err
	}
	mariadb, err := privateserver.StartMariaDB(ctx, privateserver.MariaDBOptions{})
	if err != nil {
		return nil, nil, errors.Join(err, postgres.Stop())
	}
	return []server{
		{"PostgreSQL", postgres.CreateDatabase, postgres.URL, 1000},
		{"MariaDB", mariadb.CreateDatabase, mariadb.URL, 200},
	}, func() error { return errors.Join(postgres.Stop(), mariadb.Stop()) }, nil
}

// database is where a tool works.
type database struct {
	url    string
	driver string // of database/sql
	dsn    string // for the driver, and for goose
	peer   string // golang-migrate's URL
}

func (s server) open(name string) database {
	address := s.url(name)
	if s.name == "PostgreSQL" {
		return database{url: address, driver: "pgx", dsn: address, peer: address}
	}
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // privateserver made it
	}
	dsn := fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	return database{url: address, driver: "mysql", dsn: dsn + "?parseTime=true", peer: "mysql://" + dsn}
}

// goose is what it calls the driver.
func (d database) goose() string {
	if d.driver == "pgx" {
		return "postgres"
	}
	return "mysql"
}

// connect opens a pool for the raw loop, or for an application.
func (d database) connect(connections int) (*sql.DB, error) {
	db, err := sql.Open(d.driver, d.dsn)
	if err == nil {
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
	}
	return db, err
}
