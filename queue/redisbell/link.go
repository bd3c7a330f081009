package redisbell

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/secret"
)

// link is one goroutine's way to Redis. What fails is replaced as a whole: the
// next use reads the URL and the certificates again and asks anew who is the
// master or holds the slot. So a rotated password, a fail-over and a cluster that
// was moved are all the same case.
type link struct {
	url    secret.Source
	client redis.UniversalClient // nil: not made yet, or dropped
}

// use does something with Redis, and drops the client when that fails. A blocking
// read does not notice the end of ctx; closing its connection ends it.
func (l *link) use(ctx context.Context, do func(redis.UniversalClient) error) (err error) {
	if l.client == nil {
		if l.client, err = connect(l.url); err != nil {
			return err
		}
	}
	client := l.client
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	err = do(client)
	if !stop() {
		l.client = nil // closed already
	}
	if err != nil {
		l.drop()
	}
	return err
}

func (l *link) drop() {
	if l.client != nil {
		_ = l.client.Close()
		l.client = nil
	}
}
