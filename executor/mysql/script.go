package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// What the session writes to the ledger goes through the second connection, as
// one text: what files set on the session, or began there, doesn't reach it, and a
// round trip costs as much as a small change. Only what must share the
// transaction of a file's rows is written on the session itself.

// overtaken is what the fence fails with: ER_DATA_OUT_OF_RANGE. No other statement
// of ours computes anything.
// https://dev.mysql.com/doc/refman/8.4/en/out-of-range-and-overflow.html
const overtaken = 1690

// fenced locks the meta row until the transaction ends, and fails unless it has
// our epoch and whoever minted that has the database's lock: nothing behind it in the
// script runs. SET fails with its value; DO would make a warning of it.
func (s *session) fenced() executor.Query {
	return executor.Query{
		SQL:  "SET @shipsql = 9223372036854775807 + (NOT ((SELECT epoch FROM shipsql_meta WHERE holder_id = IS_USED_LOCK(?) FOR UPDATE) <=> ?))",
		Args: []any{s.lock, s.epoch},
	}
}

// note commits our own writes behind the fence and returns how many rows each of
// them changed. Others may be in the way for a while. It is never cancelled: to
// say what happened isn't.
func (s *session) note(ctx context.Context, writes ...executor.Query) ([]int64, error) {
	ctx = context.WithoutCancel(ctx)
	deadline := time.Now().Add(s.run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		changed, err := s.tryNote(ctx, writes)
		if !contended(err) && number(err) != errInterrupted || time.Now().After(deadline) || runner.Pause(ctx, n, time.Second) != nil {
			return changed, s.explained(err)
		}
	}
}

func (s *session) tryNote(ctx context.Context, writes []executor.Query) ([]int64, error) {
	c, err := s.beside(ctx)
	if err != nil {
		return nil, err
	}
	before := []executor.Query{{SQL: "START TRANSACTION"}, s.fenced()}
	changed, err := c.script(ctx, slices.Concat(before, writes, []executor.Query{{SQL: "COMMIT"}}))
	if err == nil {
		return changed[len(before) : len(before)+len(writes)], nil
	}
	c.rollback(ctx)
	if number(err) == overtaken {
		return nil, s.tampered(ctx, c)
	}
	return nil, err
}

// tampered says why the ledger isn't as we left it: another run took over, or
// somebody wrote to it.
func (s *session) tampered(ctx context.Context, c *connection) error {
	if err := s.fence(ctx, c); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "the ledger's steps were changed by another").At(s.at).Then("look who writes to shipsql_steps")
}

// window is how many bytes of statements make a text: the server takes no more than
// max_allowed_packet.
const window = 1 << 18

// script sends our own statements as one text, or a few, and returns how many rows
// each of them changed. The server stops at the first that fails.
func (c *connection) script(ctx context.Context, statements []executor.Query) (changed []int64, err error) {
	for len(statements) > 0 {
		n := fits(statements)
		rows, err := c.send(ctx, statements[:n])
		if err != nil {
			return nil, err
		}
		changed, statements = append(changed, rows...), statements[n:]
	}
	return changed, nil
}

// fits is how many of the first statements one text has.
func fits(statements []executor.Query) (n int) {
	for size := 0; n < len(statements) && size < window; n++ {
		size += len(statements[n].SQL)
		for _, arg := range statements[n].Args {
			switch value := arg.(type) {
			case string:
				size += len(value)
			case []byte:
				size += len(value)
			}
		}
	}
	return n
}

func (c *connection) send(ctx context.Context, statements []executor.Query) (changed []int64, err error) {
	var text strings.Builder
	var args []driver.NamedValue
	for _, q := range statements {
		text.WriteString(q.SQL + ";\n")
		for _, arg := range q.Args {
			value, err := driver.DefaultParameterConverter.ConvertValue(arg)
			if err != nil {
				return nil, err
			}
			args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: value})
		}
	}
	err = c.Raw(func(conn any) error {
		result, err := conn.(driver.ExecerContext).ExecContext(ctx, text.String(), args) //nolint:forcetypeassert // the driver's connections are
		if err == nil {
			changed = result.(driverpkg.Result).AllRowsAffected() //nolint:forcetypeassert // and so its results
		}
		return err
	})
	if errors.Is(err, driver.ErrSkip) { // that is how the driver says it
		err = fault.New(fault.Unsupported, "what the ledger must keep is larger than the server takes").At(c.at).Then("raise max_allowed_packet on the server")
	}
	return changed, err
}
