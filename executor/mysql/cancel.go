package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// cancelPatience is how long a cancelled statement may take to end before the
// connection is given up.
const cancelPatience = 10 * time.Second

var errStatementTimeout = fault.New(fault.SQLError, "the statement took longer than its limit").Then("raise statement_timeout, or do the work in smaller pieces")

// execute sends one statement as it is and returns how many rows it touched.
// When ctx ends, or the limit is over (0: none), the statement is killed on the
// server; what became of it must be asked from the database.
func (s *session) execute(ctx context.Context, text string, limit time.Duration) (int64, error) {
	watched, end := ctx, func() {}
	if limit > 0 {
		watched, end = context.WithTimeoutCause(ctx, limit, errStatementTimeout)
	}
	defer end()
	over, killed := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(watched, func() { //nolint:contextcheck // watched is over by then
		defer close(killed)
		s.interrupt(over)
	})
	result, err := s.ExecContext(context.WithoutCancel(ctx), text)
	close(over)
	if !stop() {
		<-killed // or it would hit the next statement
	}
	if err != nil {
		if errors.Is(context.Cause(watched), errStatementTimeout) && ctx.Err() == nil && number(err) == errInterrupted {
			err = errors.Join(errStatementTimeout, err)
		}
		return 0, err
	}
	rows, err := result.RowsAffected()
	return rows, err
}

// interrupt kills the statement that runs on the session, and on no other:
// whoever has our lock is us. When that can't be done, or doesn't help, the
// connection is cut.
func (s *session) interrupt(over <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelPatience)
	defer cancel()
	if err := s.kill(ctx); err == nil {
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
	}
	s.cut()
}

func (s *session) kill(ctx context.Context) error {
	c, err := s.target.connect(ctx, program(s.run.Task)+"/cancel")
	if err != nil {
		return err
	}
	defer c.close()
	var mine bool
	if err := c.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?) <=> ?", s.lock, s.id).Scan(&mine); err != nil || !mine {
		return errors.Join(err, fmt.Errorf("connection %d has the lock: %t", s.id, mine))
	}
	_, err = c.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", s.id))
	return err
}
