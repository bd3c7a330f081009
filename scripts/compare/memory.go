package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

const largeFile = 200 << 20

// memoryTable prints what a file of 200 MB of rows takes.
func memoryTable(ctx context.Context, b bench) error {
	fmt.Printf("\n%s: one file with %d MB of INSERTs\n\n| tool | time | peak memory |\n|---|---|---|\n", b.name, largeFile>>20)
	files := []file{
		{"0001_notes", text("CREATE TABLE notes (id bigint PRIMARY KEY, note varchar(200) NOT NULL);\n")},
		{"0002_rows", rows},
	}
	for _, row := range []struct{ name, tool, folder string }{
		{"ShipSQL, goose's folder", shipsql, goose}, {"ShipSQL, plain files", shipsql, migrate},
		{"goose", goose, goose}, {"golang-migrate", migrate, migrate},
	} {
		dir, err := b.write(row.folder, files)
		if err != nil {
			return err
		}
		err = b.database(ctx, func(name string) error {
			c, err := timed(b.command(ctx, row.tool, b.url(name), dir))
			if err != nil {
				fmt.Printf("| %s | fails: %s | |\n", row.name, strings.ReplaceAll(tail(err.Error()), "\n", " "))
				return nil
			}
			fmt.Printf("| %s | %.1f s | %d MiB |\n", row.name, c.took.Seconds(), c.peak>>20)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rows writes INSERTs with 100 rows each. Nothing large is kept: a process' peak
// counts what its parent had when it was started.
func rows(w io.Writer) error {
	note := strings.Repeat("word ", 30)
	for id, size := 0, 0; size < largeFile; {
		var insert strings.Builder
		insert.WriteString("INSERT INTO notes (id, note) VALUES")
		for n := range 100 {
			id++
			if n > 0 {
				insert.WriteByte(',')
			}
			fmt.Fprintf(&insert, "\n(%d, '%s')", id, note)
		}
		insert.WriteString(";\n")
		size += insert.Len()
		if _, err := io.WriteString(w, insert.String()); err != nil {
			return err
		}
	}
	return nil
}
