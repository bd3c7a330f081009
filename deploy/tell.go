package deploy

import (
	"context"
	"sync"
	"time"

	"github.com/shipsql/shipsql/store"
)

// tellEvery is how often the starts and ends of a release's tasks are told, and
// its gates evaluated because one went wrong: of ten thousand in a minute nobody
// wants to hear each. What follows for the stage is always told.
const tellEvery = time.Second

// told remembers when each release was last spoken of.
type told struct {
	mu sync.Mutex
	at map[string]time.Time
}

// maxTold bounds the memory; when it is full, everybody may speak again.
const maxTold = 1000

// due says whether it is time to speak of a release again, and takes that as done.
func (t *told) due(release string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := now.Sub(t.at[release]); since >= 0 && since < tellEvery {
		return false
	}
	if t.at == nil || len(t.at) >= maxTold {
		t.at = map[string]time.Time{}
	}
	t.at[release] = now
	return true
}

// taskChanged tells of a task's new state, unless its release was told of a
// moment ago.
func (s *Service) taskChanged(ctx context.Context, tx *store.Tx, a *attempt) error {
	if !s.told.due(a.Release, tx.Now()) {
		return nil
	}
	return s.changed(ctx, tx, a.change(StageChanged))
}

func (a *attempt) change(kind ChangeKind) Change {
	return Change{Kind: kind, Project: a.project, Release: a.Release, PullRequest: a.pullRequest, Environment: a.Environment}
}
