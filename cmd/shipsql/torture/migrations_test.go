package torture_test

import (
	"fmt"
	"math/rand/v2"
)

// migration is one file of the story.
type migration struct {
	version    int
	path       string
	statements []string
	alone      bool // runs outside a transaction
}

const folder = "migrations"

// text is the file's content.
func (m migration) text() string {
	text := ""
	if m.alone {
		text = "-- shipsql: transaction=off\n"
	}
	for _, s := range m.statements {
		text += s + ";\n"
	}
	return text
}

// change is what one pull request or one direct push brings.
type change struct {
	migrations []migration
	direct     bool
}

func (c change) files() map[string]string {
	files := map[string]string{}
	for _, m := range c.migrations {
		files[m.path] = m.text()
	}
	return files
}

func (c change) name() string {
	return fmt.Sprintf("change-%d-to-%d", c.migrations[0].version, c.migrations[len(c.migrations)-1].version)
}

// writer writes migrations none of which may run twice or not at all: each counts
// a row up and adds a row to a log, and most change the schema. Many take a
// moment, so that a kill meets a running statement.
type writer struct {
	dice    *rand.Rand
	version int // of the newest migration
	tables  int
}

func (w *writer) next() migration {
	w.version++
	m := migration{version: w.version}
	if w.version == 1 {
		m.path, m.statements = path(1, "base"), []string{
			"CREATE TABLE counter (id int PRIMARY KEY, n bigint NOT NULL)",
			"CREATE TABLE log (version int NOT NULL, at timestamptz NOT NULL DEFAULT now())",
			"INSERT INTO counter VALUES (1, 1)",
			"INSERT INTO log VALUES (1)",
		}
		return m
	}
	count := []string{
		"UPDATE counter SET n = n + 1 WHERE id = 1",
		fmt.Sprintf("SELECT pg_sleep(0.%03d)", 20+w.dice.IntN(80)),
		fmt.Sprintf("INSERT INTO log VALUES (%d)", m.version),
	}
	what := "table"
	if w.tables > 0 {
		what = []string{"table", "column", "index", "unique", "count", "count"}[w.dice.IntN(6)]
	}
	m.path, m.alone = path(m.version, what), what == "index" || what == "unique"
	m.statements = w.statements(what, count)
	return m
}

// statements are those of one kind of migration around the counting ones.
func (w *writer) statements(what string, count []string) []string {
	if what == "table" {
		w.tables++
		return append([]string{
			fmt.Sprintf("CREATE TABLE t_%d (id bigint PRIMARY KEY, a int NOT NULL)", w.tables),
			fmt.Sprintf("INSERT INTO t_%d SELECT i, i FROM generate_series(1, 500) i", w.tables),
		}, count...)
	}
	table := 1 + w.dice.IntN(max(1, w.tables))
	switch what {
	case "column":
		return append(count, fmt.Sprintf("ALTER TABLE t_%d ADD COLUMN c_%d int NOT NULL DEFAULT %d", table, w.version, w.version))
	case "index":
		return append([]string{fmt.Sprintf("CREATE INDEX CONCURRENTLY i_%d ON t_%d (a)", w.version, table)}, count...)
	case "unique":
		return append(count, fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY ON t_%d (a, id)", table))
	}
	return count
}

func path(version int, what string) string {
	return fmt.Sprintf("%s/%04d_%s.sql", folder, version, what)
}

// change is one to four of the next migrations, at most n. One in six is pushed
// without a pull request.
func (w *writer) change(n int) change {
	c := change{direct: w.dice.IntN(6) == 0}
	for range min(1+w.dice.IntN(4), n) {
		c.migrations = append(c.migrations, w.next())
	}
	return c
}
