package postgres

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/fault"
)

// The server refuses CREATE INDEX CONCURRENTLY on a partitioned table. What it
// takes instead is an index ON ONLY the table, which is INVALID until an index of
// each partition, built concurrently, is attached to it:
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE

// behindName returns the text behind the possibly qualified name at an offset.
func behindName(text string, at int) string {
	if at <= 0 || at > len(text) {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(text[at:], qualifiedName.FindString(text[at:])))
}

var qualifiedName = regexp.MustCompile(`^(?:"(?:[^"]|"")*"|[^\s"(.;]+)(?:\s*\.\s*(?:"(?:[^"]|"")*"|[^\s"(.;]+))*`)

// partition is a table of a partitioned one, itself included.
type partition struct {
	table  string // qualified, for SQL
	name   string
	parent string // name of the one above; "" for the root
	leaf   bool
}

// refusePartitioned gives the recipe for a partitioned table.
func (c createIndex) refusePartitioned(ctx context.Context, s *session, table int64) error {
	rows, err := s.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname), c.relname::text, coalesce(p.relname::text, ''), t.isleaf
		FROM pg_class r, pg_partition_tree(r.oid) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_class p ON p.oid = t.parentrelid AND t.level > 0
		WHERE r.oid::bigint = $1 AND r.relkind = 'p' ORDER BY t.level, n.nspname, c.relname`, table)
	if err != nil {
		return err
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p partition, err error) {
		err = row.Scan(&p.table, &p.name, &p.parent, &p.leaf)
		return p, err
	})
	if err != nil || len(parts) == 0 {
		return err
	}
	return fault.New(fault.Unsupported, "%s is partitioned, and PostgreSQL builds no index on a partitioned table concurrently", c.table).
		Then("write this instead:\n%s", strings.Join(c.recipe(parts), "\n"))
}

// shownPartitions is how many partitions a recipe spells out.
const shownPartitions = 20

// recipe makes the indexes top down, each partition's concurrently, and attaches
// them bottom up.
func (c createIndex) recipe(parts []partition) []string {
	index := map[string]string{}
	var only, build, attach []string
	for _, p := range parts {
		index[p.name] = c.indexName(p)
		if !p.leaf {
			only = append(only, c.create("", p, "ONLY "))
		} else {
			build = append(build, c.create("CONCURRENTLY ", p, ""))
		}
		if p.parent != "" {
			schema, _, _ := strings.Cut(p.table, ".")
			attach = append([]string{fmt.Sprintf("ALTER INDEX %s ATTACH PARTITION %s.%s;", quoted(index[p.parent]), schema, quoted(index[p.name]))}, attach...)
		}
	}
	return append(append(only, shortened(build)...), shortened(attach)...)
}

func shortened(lines []string) []string {
	if len(lines) <= shownPartitions {
		return lines
	}
	return append(lines[:shownPartitions:shownPartitions], fmt.Sprintf("-- … and the same for %d more partitions", len(lines)-shownPartitions))
}

func (c createIndex) create(how string, p partition, only string) string {
	unique := ""
	if c.wanted.Unique {
		unique = "UNIQUE "
	}
	return fmt.Sprintf("CREATE %sINDEX %s%s ON %s%s %s;", unique, how, quoted(c.indexName(p)), only, p.table, c.rest)
}

// indexName is the file's for the table itself, and made of it for partitions.
func (c createIndex) indexName(p partition) string {
	if p.parent == "" && c.name != "" {
		return c.name
	}
	name := p.name + "_" + cmp.Or(c.name, "idx")
	return strings.ToValidUTF8(name[:min(len(name), maxName)], "")
}

// maxName is how many bytes of a name PostgreSQL keeps.
const maxName = 63

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
