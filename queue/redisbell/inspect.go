package redisbell

import (
	"context"

	"github.com/shipsql/shipsql/internal/secret"
)

// Facts is what an operator should know of a Redis.
type Facts struct {
	Version string // e.g. "7.0.15"
	Mode    string // standalone, sentinel or cluster
	// Persistent says whether it keeps data over a restart. The bell does not
	// need that.
	Persistent bool
	MaxMemory  int64  // bytes; 0: no limit
	Policy     string // maxmemory-policy, e.g. "noeviction"
}

// Inspect asks the Redis at url for its facts.
func Inspect(_ context.Context, url secret.Source) (Facts, error) {
	_, err := url.Read()
	return Facts{}, err
}
