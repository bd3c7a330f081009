package mysql

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// idleSession bounds, in seconds, how long the server keeps our lock when we are
// frozen but still connected. It is above every pause of ours.
const idleSession = 120

// The settings that files change most are reset always after a file that may
// have; others by their names.
var standardSettings = []string{
	"sql_mode", "foreign_key_checks", "unique_checks", "time_zone", "default_storage_engine", "sql_notes", "sql_safe_updates",
	"sql_select_limit", "group_concat_max_len", "sql_auto_is_null", "sql_quote_show_create",
}

// neutralSettings are those of connections that no file changes: SHOW CREATE depends
// on sql_mode, what the ledger keeps must not be cut, and no lock is waited for long.
// They may be idle for as long as a file's statement takes.
const neutralSettings = "SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', sql_quote_show_create = 1, foreign_key_checks = 0, " +
	"time_zone = '+00:00', lock_wait_timeout = 2, innodb_lock_wait_timeout = 2, wait_timeout = 604800"

// leavings is what files left in the session.
type leavings struct {
	any       bool
	variables map[string]bool // session variables
	user      map[string]bool // @variables
	tables    map[string]bool // temporary ones
}

// standard makes the session's settings those of a new one, with our limits. The
// global values are named: MySQL 9.7 takes foreign_key_checks = DEFAULT for 0. It
// never asks the server for COM_RESET_CONNECTION, which would drop the lock.
func (s *session) standard(ctx context.Context) error {
	set := []string{"NAMES utf8mb4", "autocommit = 1", "wait_timeout = " + fmt.Sprint(idleSession)}
	isolation := s.facts.either("transaction_isolation", "tx_isolation")
	for _, name := range append(slices.Clone(standardSettings), isolation) {
		set = append(set, name+" = @@GLOBAL."+name)
	}
	set = append(set, strings.Replace(isolation, "isolation", "read_only", 1)+" = 0", s.waits(s.run.Limits.LockTimeout))
	_, err := s.ExecContext(ctx, "SET "+strings.Join(set, ", "))
	return err
}

// waits limits both kinds of lock waits, which count in whole seconds.
func (s *session) waits(limit time.Duration) string {
	seconds := max(1, int64((limit+time.Second-1)/time.Second))
	return fmt.Sprintf("lock_wait_timeout = %d, innodb_lock_wait_timeout = %[1]d", seconds)
}

// reset makes the session as new between files, piece by piece.
func (s *session) reset(ctx context.Context) error {
	if !s.left.any {
		return nil
	}
	if err := s.standard(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.left.variables)) {
		set := "SET SESSION " + quoted(name) + " = "
		_, err := s.ExecContext(ctx, set+"@@GLOBAL."+quoted(name))
		if number(err) == errOnlyOfSessions {
			_, err = s.ExecContext(ctx, set+"DEFAULT")
		}
		if broken(err) { // some have no default: what a file may do with them, it may leave
			return err
		}
	}
	if names := slices.Sorted(maps.Keys(s.left.user)); len(names) > 0 {
		if _, err := s.ExecContext(ctx, "SET @"+strings.Join(mapped(names, quoted), " = NULL, @")+" = NULL"); err != nil {
			return err
		}
	}
	if names := slices.Sorted(maps.Keys(s.left.tables)); len(names) > 0 {
		if _, err := s.ExecContext(ctx, "DROP TEMPORARY TABLE IF EXISTS "+strings.Join(mapped(names, quoted), ", ")); err != nil {
			return err
		}
	}
	s.left = leavings{}
	return nil
}

func mapped(names []string, f func(string) string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = f(name)
	}
	return out
}

// leaves notes what a statement may leave in the session.
func (l *leavings) leaves(s statement) {
	if s.plain() {
		return
	}
	if l.variables == nil {
		l.variables, l.user, l.tables = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	l.any = true
	for _, v := range s.parsed.Variables {
		switch {
		case v.Scope == syntax.User:
			l.user[v.Name] = true
		case v.Scope == syntax.Session && v.Name != "names":
			l.variables[v.Name] = true
		}
	}
	if aboutTemporary.MatchString(s.Text) {
		for _, o := range s.parsed.Objects {
			if o.Use == syntax.Creates {
				l.tables[o.Name.Name] = true
			}
		}
	}
}
