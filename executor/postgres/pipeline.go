package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// window is how many bytes of statements are on their way at once: what was sent
// is kept until the server took it.
const window = 1 << 18

// execute sends statements and gives an error its meaning.
func (f file) execute(ctx context.Context, statements []statement) error {
	at, err := f.send(ctx, statements)
	if err != nil {
		return f.meaning(ctx, at, err)
	}
	return nil
}

// send sends statements, many at once, and reads the answers as they come. The
// server stops at the first error, up to the Sync behind all of them; send returns
// it and the statement that it came at. The statements that end a transaction
// aren't cancelled.
func (f file) send(ctx context.Context, statements []statement) (at statement, err error) {
	if len(statements) == 0 {
		return at, nil
	}
	if ctx.Err() != nil {
		return statements[0], ctx.Err()
	}
	ctx, letGo := until(ctx)
	defer letGo()
	pipe := f.PgConn().StartPipeline(ctx)
	for len(statements) > 0 && err == nil {
		var n int
		n, at, err = f.exchange(pipe, statements, letGo)
		statements = statements[n:]
	}
	if len(statements) > 0 {
		_ = pipe.Sync() // the server skips to it; Close tells a broken connection
	}
	if broken := pipe.Close(); err == nil {
		err = broken
	}
	return at, err
}

// until returns a context that ends with another, unless it is let go before.
func until(ctx context.Context) (_ context.Context, letGo func() bool) {
	held, end := context.WithCancelCause(context.WithoutCancel(ctx))
	return held, context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
}

// exchange sends the first statements, up to the window, and reads their answers.
// It returns how many they were, and the last one that was looked at. The file's
// first counts as running with what is ours before it.
func (f file) exchange(pipe *pgconn.Pipeline, statements []statement, letGo func() bool) (n int, at statement, err error) {
	n, err = f.sendSome(pipe, statements)
	if err != nil {
		return n, statements[n], err
	}
	send := pipe.Flush
	if n == len(statements) {
		send = pipe.Sync
	}
	if err := send(); err != nil {
		return n, statements[0], err
	}
	first := max(0, slices.IndexFunc(statements[:n], func(s statement) bool { return s.own == nil }))
	for i, at := range statements[:n] {
		if i == 0 || i > first {
			f.progress(statements[max(i, first)], executor.EventRunning, 0)
		}
		tag, err := f.read(pipe, at)
		if err != nil {
			return n, at, err
		}
		if i+1 < len(statements) && statements[i+1].closing() {
			letGo()
		}
		f.progress(at, executor.EventDone, tag.RowsAffected())
	}
	return n, statements[n-1], nil
}

// closing says that a statement ends a transaction.
func (s statement) closing() bool { return s.own != nil && s.own.closing }

// read reads what the server says to a statement, and drops its rows.
func (f file) read(pipe *pgconn.Pipeline, s statement) (tag pgconn.CommandTag, err error) {
	result, err := pipe.GetResults()
	if err != nil {
		return tag, err
	}
	rows, ok := result.(*pgconn.ResultReader)
	if !ok {
		return tag, errors.New("the server's answers are out of step")
	}
	tag, err = rows.Close()
	if err == nil && s.own != nil && s.Text == commitSQL && tag.String() != commitSQL {
		err = fault.New(fault.Internal, "COMMIT was answered with %s", tag).At(f.Path())
	}
	return tag, err
}

// sendSome queues the first statements up to the window and says how many they
// are. The answers to the file's are flushed, so that progress is seen.
func (f file) sendSome(pipe *pgconn.Pipeline, statements []statement) (n int, err error) {
	for size := 0; n < len(statements) && size < window; n++ {
		size += len(statements[n].Text)
		if err := f.sendOne(pipe, statements[n]); err != nil {
			return n, err
		}
		if n < len(statements)-1 && statements[n].own == nil {
			pipe.SendFlushRequest()
		}
	}
	return n, nil
}

func (f file) sendOne(pipe *pgconn.Pipeline, s statement) error {
	if s.own == nil {
		pipe.SendQueryParams(s.Text, nil, nil, nil, nil)
		spool.Passed(s.Text)
		return nil
	}
	var with pgx.ExtendedQueryBuilder
	if err := with.Build(f.TypeMap(), nil, s.own.args); err != nil {
		return err
	}
	if name, prepared := f.prepared[s.Text]; prepared {
		pipe.SendQueryPrepared(name, with.ParamValues, with.ParamFormats, nil)
	} else {
		pipe.SendQueryParams(s.Text, with.ParamValues, nil, with.ParamFormats, nil)
	}
	return nil
}

// progress tells of a statement of the file.
func (f file) progress(s statement, state executor.EventState, rows int64) {
	if s.n > 0 {
		runner.Progress(f.run, executor.Event{Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Total: f.total, State: state, Rows: rows})
	}
}
