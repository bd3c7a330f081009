package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// presence shows on every connection, by an advisory lock that is shared and
// lasts as long as the session, which version of each room's tables this program
// knows. A contract file takes the locks of all older versions for itself: it
// can't run while an older program has a connection, and no connection of an
// older program comes to be while it runs. When it has run, an older program's
// new connections are refused. So there is no statement of an older program on
// a contracted store, and nothing to time out, whatever stops, dies or is cut off.
type presence struct {
	mu         sync.Mutex
	known      map[string]int // room → the newest version
	generation int            // counts changes of known
}

// shownAt is where a connection keeps the generation that it shows.
const shownAt = "shipsql.generation"

func (p *presence) knows(room string, version int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[room] == version {
		return
	}
	if p.known == nil {
		p.known = map[string]int{}
	}
	p.known[room] = version
	p.generation++
}

func (p *presence) current() (known map[string]int, generation int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.known), p.generation
}

// show takes a new connection's locks, then looks what has run meanwhile.
func (p *presence) show(ctx context.Context, conn *pgx.Conn) error {
	known, generation := p.current()
	conn.PgConn().CustomData()[shownAt] = generation
	if len(known) == 0 {
		return nil
	}
	var locks []string
	for _, room := range slices.Sorted(maps.Keys(known)) {
		locks = append(locks, fmt.Sprintf("pg_advisory_lock_shared(%d, %d)", roomLock(room), known[room]))
	}
	results, err := conn.PgConn().Exec(ctx, "SELECT "+strings.Join(locks, ", ")+";"+
		`SELECT room, version FROM store_migrations WHERE name LIKE '%`+contractSuffix+`'`).ReadAll()
	if err != nil {
		return fmt.Errorf("show the store which versions this program knows: %w", err)
	}
	for _, row := range results[1].Rows {
		room := string(row[0])
		version, err := strconv.Atoi(string(row[1]))
		if err != nil {
			return fmt.Errorf("read store_migrations: %w", err)
		}
		if newest, ours := known[room]; ours && version > newest {
			return errContracted(room, version, newest)
		}
	}
	return nil
}

// stillShown replaces a connection that shows less than the program knows now.
func (p *presence) stillShown(_ context.Context, conn *pgx.Conn) error {
	if _, generation := p.current(); conn.PgConn().CustomData()[shownAt] != generation {
		return driver.ErrBadConn
	}
	return nil
}

// alone keeps programs out that know the room only below version, until tx ends;
// false when one has a connection.
func (p *presence) alone(ctx context.Context, tx *sql.Tx, room string, version int) (free bool, err error) {
	const locks = `SELECT coalesce(bool_and(pg_try_advisory_xact_lock($1, v)), true) FROM generate_series(1, $2 - 1) AS v`
	if err := tx.QueryRowContext(ctx, locks, roomLock(room), version).Scan(&free); err != nil {
		return false, fmt.Errorf("look for older programs: %w", err)
	}
	return free, nil
}

// roomLock is the first number of a room's locks; the second is the version. It
// is the same in every version to come.
func roomLock(room string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte("shipsql store " + room))
	return int32(h.Sum32())
}
