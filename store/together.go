package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// TxTogether is Tx, but fn may share its transaction with others of this process
// that wait for the turn: under load the turn and the flush of the disk are most
// of what a short transaction costs. fn sees what those before it did. It is
// committed when TxTogether returns nil. When one of those that share fails, all
// are undone and each goes alone, so none fails because of another.
//
// It is for short transactions that seldom return an error.
func (db *DB) TxTogether(ctx context.Context, fn func(*Tx) error) error {
	return db.together.do(db, &share{ctx: ctx, fn: fn}) //nolint:contextcheck // each share brings its own
}

// together lets transactions wait while one is under way; those that wait share
// the next.
type together struct {
	mu      sync.Mutex
	busy    bool
	waiting []*share
}

// share is one caller's part of a transaction. Its results are set before over
// is closed.
type share struct {
	ctx context.Context //nolint:containedctx // of a caller that waits
	fn  func(*Tx) error

	over   chan struct{}
	undone bool // by what befell another, perhaps: go alone
	err    error
	after  []func()
}

// mostTogether is how many share one transaction.
const mostTogether = 32

func (g *together) do(db *DB, s *share) error {
	if g.enter(s) {
		defer g.leave(db)
		return db.Tx(s.ctx, s.fn)
	}
	select {
	case <-s.over:
	case <-s.ctx.Done():
		if g.withdraw(s) {
			return fmt.Errorf("wait to write to the store: %w", s.ctx.Err())
		}
		<-s.over
	}
	if s.undone {
		return db.Tx(s.ctx, s.fn)
	}
	return (&Tx{after: s.after}).finish(s.err)
}

// enter says that a share may go at once, or lets it wait.
func (g *together) enter(s *share) (goes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy {
		g.busy = true
		return true
	}
	s.over = make(chan struct{})
	g.waiting = append(g.waiting, s)
	return false
}

// leave lets those who wait go.
func (g *together) leave(db *DB) {
	if batch := g.next(); batch != nil {
		go g.work(db, batch)
	}
}

// next is who shares the next transaction; when nobody waits the next may go at
// once.
func (g *together) next() []*share {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), mostTogether)
	if n == 0 {
		g.busy = false
		return nil
	}
	batch := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return batch
}

// withdraw says whether a share that is given up was still waiting.
func (g *together) withdraw(s *share) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, s)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// work runs transactions until nobody waits. What was undone each caller tries
// again alone, in its own time.
func (g *together) work(db *DB, batch []*share) {
	for ; batch != nil; batch = g.next() {
		undone, err := db.shared(batch)
		for _, s := range batch {
			s.undone, s.err = undone && err != nil, err
			close(s.over)
		}
	}
}

// shared runs a batch once, in one transaction.
func (db *DB) shared(batch []*share) (undone bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), writerPatience)
	defer cancel()
	undone = true // unless it comes to a commit
	err = db.inTurn(ctx, func() (err error) {
		undone, err = (&Tx{db: db, ordered: true}).attempt(ctx, func(tx *Tx) error { return shareOut(tx, batch) })
		return err
	})
	if err != nil {
		err = db.explain(err)
	}
	return undone, err
}

// shareOut runs every share's function, each with hooks of its own.
func shareOut(tx *Tx, batch []*share) (err error) {
	defer func() {
		if cause := recover(); cause != nil { // it will panic where its caller sees it
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	for _, s := range batch {
		part := &Tx{db: tx.db, tx: tx.tx, ordered: tx.ordered}
		if err := s.fn(part); err != nil {
			return err
		}
		s.after = part.after
	}
	return nil
}
