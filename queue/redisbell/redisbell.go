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
)

// Bell is a bell over Redis. It is safe for concurrent use.
type Bell struct {
	options *redis.Options
	client  *redis.Client // the sender's
	log     *slog.Logger
	rings   chan string     // waiting to be sent
	ctx     context.Context //nolint:containedctx // the bell's own life, from New to Close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	lost bool // Redis did not answer last time: logged already
}

var _ queue.Bell = (*Bell)(nil)

// New makes a bell on the Redis at url (redis://, rediss:// or unix://). It does
// not connect: Redis may be down now and come later. Only a malformed URL is an
// error; it does not show the URL.
func New(url secret.Source, log *slog.Logger) (*Bell, error) {
	text, err := url.Read()
	if err != nil {
		return nil, err
	}
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the Redis URL can't be read").
			Then("write it as redis://[:password@]host:6379/0")
	}
	o.MaxRetries, o.DialerRetries = -1, 1 // the loops here try again
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = patience, patience, patience
	silenceLibrary()
	ctx, cancel := context.WithCancel(context.Background())
	b := &Bell{options: o, client: redis.NewClient(o), log: log, rings: make(chan string, pending), ctx: ctx, cancel: cancel}
	b.running.Go(b.send)
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

// Close ends the sender and all listeners and waits for them.
func (b *Bell) Close() error {
	b.cancel()
	b.running.Wait()
	return b.client.Close()
}

// send writes what was rung, a batch in one round trip.
func (b *Bell) send() {
	pause := pauseMin
	for {
		batch := b.nextBatch()
		if batch == nil {
			return
		}
		if err := b.write(batch); err != nil {
			b.setLost(err) // the batch is dropped: the reconciler rings again
			b.wait(b.ctx, &pause)
			continue
		}
		b.setBack()
		pause = pauseMin
	}
}

// nextBatch waits for a ring and takes those behind it; nil at Close.
func (b *Bell) nextBatch() []string {
	select {
	case <-b.ctx.Done():
		return nil
	case id := <-b.rings:
		batch := []string{id}
		for range len(b.rings) {
			batch = append(batch, <-b.rings)
		}
		return batch
	}
}

func (b *Bell) write(ids []string) error {
	_, err := b.client.Pipelined(b.ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.XAdd(b.ctx, &redis.XAddArgs{Stream: stream, MaxLen: keep, Approx: true, Values: []string{field, id}})
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
	client := redis.NewClient(b.options)
	// A blocking read does not notice ctx; closing its connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer func() {
		if stop() {
			_ = client.Close()
		}
	}()
	pause := pauseMin
	for ctx.Err() == nil {
		id, err := b.read(ctx, client)
		switch {
		case err == nil && id != "":
			select {
			case heard <- id:
			case <-ctx.Done():
			}
			fallthrough
		case errors.Is(err, redis.Nil), err == nil:
			b.setBack()
			pause = pauseMin
		case ctx.Err() == nil:
			b.setLost(err)
			b.wait(ctx, &pause)
		}
	}
}

// read waits for one ring: redis.Nil when there was none. One at a time, because
// a ring that is read belongs to this process, which may be busy with the next.
func (b *Bell) read(ctx context.Context, client *redis.Client) (string, error) {
	streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: group, Streams: []string{stream, ">"}, Count: 1, Block: listenIn, NoAck: true,
	}).Result()
	if isNoGroup(err) { // first of all, or after a flush or restart
		// From 0, so that rings sent before the group was there are heard.
		if err := client.XGroupCreateMkStream(ctx, stream, group, "0").Err(); err != nil && !isBusyGroup(err) {
			return "", err
		}
		return "", redis.Nil
	}
	if err != nil || len(streams) == 0 || len(streams[0].Messages) == 0 {
		return "", err
	}
	id, _ := streams[0].Messages[0].Values[field].(string)
	return id, nil
}

func isNoGroup(err error) bool   { return err != nil && strings.HasPrefix(err.Error(), "NOGROUP") }
func isBusyGroup(err error) bool { return strings.HasPrefix(err.Error(), "BUSYGROUP") }

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
