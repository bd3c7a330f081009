package redisbell

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
)

const (
	stream   = "shipsql:bell"
	group    = "workers"
	field    = "id"
	keep     = 4096                   // rings kept in the stream, about
	pending  = 1024                   // rings waiting to be sent; more are dropped
	patience = 2 * time.Second        // for one answer of Redis
	listenIn = time.Second            // how long one blocking read lasts
	pauseMin = 100 * time.Millisecond // between tries while Redis is lost
	pauseMax = 2 * time.Second
	farewell = time.Second // how long Close sends what was rung before it
)

// Bell is a bell over Redis. It is safe for concurrent use.
type Bell struct {
	url     secret.Source
	log     *slog.Logger
	rings   chan string     // waiting to be sent
	ctx     context.Context //nolint:containedctx // the bell's own life, from New to Close
	cancel  context.CancelFunc
	giveUp  context.CancelFunc // ends the sending of what was rung before Close
	running sync.WaitGroup

	mu   sync.Mutex
	lost bool // Redis did not answer last time: logged already
}

var _ queue.Bell = (*Bell)(nil)

// New makes a bell on the Redis at url; see the package comment for its forms. It
// does not connect: Redis may be down now and come later. Only a URL that can't
// be read, or a certificate, is an error; it does not show the URL. The URL is
// read again after each loss, so a rotated password needs no restart.
func New(url secret.Source, log *slog.Logger) (*Bell, error) {
	client, err := connect(url)
	if err != nil {
		return nil, err
	}
	if err := client.Close(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	sending, giveUp := context.WithCancel(context.Background())
	b := &Bell{url: url, log: log, rings: make(chan string, pending), ctx: ctx, cancel: cancel, giveUp: giveUp}
	b.running.Go(func() { b.send(sending) })
	return b, nil
}

// silenceLibrary keeps go-redis from printing to standard error on its own; what
// matters comes back as errors. The setting is the process's, so it is made once.
var silenceLibrary = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Ring queues the ids for sending; it never blocks.
func (b *Bell) Ring(_ context.Context, ids ...string) error {
	if b.ctx.Err() != nil {
		return fault.New(fault.Conflict, "the bell is closed")
	}
	for _, id := range ids {
		select {
		case b.rings <- id:
		default:
		}
	}
	return nil
}

// Close ends all listeners, sends what was rung before, where Redis takes it at
// once, and waits for both: a command that rings and ends is heard too.
func (b *Bell) Close() error {
	b.cancel()
	defer time.AfterFunc(farewell, b.giveUp).Stop()
	b.running.Wait()
	b.giveUp()
	return nil
}

// send writes what was rung, a batch in one round trip.
func (b *Bell) send(ctx context.Context) {
	l := link{url: b.url}
	defer l.drop()
	pause := pauseMin
	for {
		batch := b.nextBatch()
		if batch == nil {
			return
		}
		if err := l.use(ctx, func(c redis.UniversalClient) error { return write(ctx, c, batch) }); err != nil {
			b.setLost(err)        // the batch is dropped: the reconciler rings again
			b.wait(b.ctx, &pause) //nolint:contextcheck // Close ends the pause, but not yet the sending
			continue
		}
		b.setBack()
		pause = pauseMin
	}
}

// nextBatch waits for a ring and takes those behind it; after Close what is left,
// then nil.
func (b *Bell) nextBatch() []string {
	var batch []string
	select {
	case <-b.ctx.Done():
	case id := <-b.rings:
		batch = append(batch, id)
	}
	for range len(b.rings) {
		batch = append(batch, <-b.rings)
	}
	return batch
}

func write(ctx context.Context, client redis.UniversalClient, ids []string) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.XAdd(ctx, &redis.XAddArgs{Stream: stream, MaxLen: keep, Approx: true, Values: []string{field, id}})
		}
		return nil
	})
	return err
}

// Listen delivers rings until ctx is done or the bell closed.
func (b *Bell) Listen(ctx context.Context) (<-chan string, error) {
	if b.ctx.Err() != nil {
		return nil, fault.New(fault.Conflict, "the bell is closed")
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.ctx, cancel) //nolint:contextcheck // ends with either of the two
	heard := make(chan string)
	b.running.Go(func() {
		defer cancel()
		defer stop()
		defer close(heard)
		b.listen(ctx, heard)
	})
	return heard, nil
}

func (b *Bell) listen(ctx context.Context, heard chan<- string) {
	l := link{url: b.url}
	defer l.drop()
	pause := pauseMin
	for ctx.Err() == nil {
		id := ""
		err := l.use(ctx, func(c redis.UniversalClient) (err error) { id, err = read(ctx, c); return err })
		switch {
		case err == nil:
			b.setBack()
			pause = pauseMin
			if id == "" {
				continue
			}
			select {
			case heard <- id:
			case <-ctx.Done():
			}
		case ctx.Err() == nil:
			b.setLost(err)
			b.wait(ctx, &pause)
		}
	}
}

// read waits a while for one ring: "" when there was none. One at a time, because
// a ring that is read belongs to this process, which may be busy with the next.
func read(ctx context.Context, client redis.UniversalClient) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, listenIn+patience) // a network that swallows the answer
	defer cancel()
	streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: group, Streams: []string{stream, ">"}, Count: 1, Block: listenIn, NoAck: true,
	}).Result()
	switch {
	case isNoGroup(err): // first of all, or after a flush or restart
		// From 0, so that rings sent before the group was there are heard.
		err = client.XGroupCreateMkStream(ctx, stream, group, "0").Err()
		if isBusyGroup(err) {
			return "", nil
		}
		return "", err
	case errors.Is(err, redis.Nil):
		return "", nil
	case err != nil || len(streams) == 0 || len(streams[0].Messages) == 0:
		return "", err
	}
	id, _ := streams[0].Messages[0].Values[field].(string)
	return id, nil
}

func isNoGroup(err error) bool   { return err != nil && strings.HasPrefix(err.Error(), "NOGROUP") }
func isBusyGroup(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "BUSYGROUP") }

// wait pauses, longer each time.
func (b *Bell) wait(ctx context.Context, pause *time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(*pause):
	}
	*pause = min(*pause*2, pauseMax)
}

// setLost logs that Redis is lost, once.
func (b *Bell) setLost(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.lost && b.ctx.Err() == nil {
		b.log.Warn("Redis is lost; jobs are found by polling until it is back", "error", secret.Redact(err.Error()))
	}
	b.lost = true
}

// setBack logs that Redis is back, once.
func (b *Bell) setBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost {
		b.log.Info("Redis is back")
	}
	b.lost = false
}
