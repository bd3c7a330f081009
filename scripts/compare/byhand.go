package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

const (
	makeHistory = "CREATE TABLE IF NOT EXISTS by_hand (name varchar(100) PRIMARY KEY)"
	readHistory = "SELECT name FROM by_hand"
)

// loop applies a folder as somebody would write it by hand: on PostgreSQL one
// transaction per file with a row of its own, on MariaDB each statement by
// itself and then a row.
func loop(ctx context.Context, target, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	if strings.HasPrefix(target, "postgres") {
		return loopPostgres(ctx, target, files)
	}
	return loopMariaDB(ctx, target, files)
}

func loopPostgres(ctx context.Context, target string, files []string) error {
	conn, err := pgx.Connect(ctx, target)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, makeHistory); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, readHistory)
	if err != nil {
		return err
	}
	done, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return remaining(files, done, func(name, text string) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO by_hand VALUES ($1)", name)
			return err
		})
	})
}

func loopMariaDB(ctx context.Context, target string, files []string) error {
	db, err := sql.Open("mysql", driverName(target))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, makeHistory); err != nil {
		return err
	}
	done, err := history(ctx, db)
	if err != nil {
		return err
	}
	return remaining(files, done, func(name, text string) error {
		for statement := range strings.SplitSeq(strings.TrimRight(text, ";\n"), ";\n") {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err := db.ExecContext(ctx, "INSERT INTO by_hand VALUES (?)", name)
		return err
	})
}

func history(ctx context.Context, db *sql.DB) (done []string, err error) {
	rows, err := db.QueryContext(ctx, readHistory)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		done = append(done, name)
	}
	return done, rows.Err()
}

// remaining applies the files that the history lacks.
func remaining(files, done []string, apply func(name, text string) error) error {
	for _, path := range files {
		name := filepath.Base(path)
		if slices.Contains(done, name) {
			continue
		}
		text, err := os.ReadFile(path) //nolint:gosec // a file of the folder that was asked for
		if err != nil {
			return err
		}
		if err := apply(name, string(text)); err != nil {
			return err
		}
	}
	return nil
}
