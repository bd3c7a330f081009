package redisbell_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/belltest"
	"github.com/shipsql/shipsql/queue/redisbell"
)

const patience = time.Minute

var quiet = slog.New(slog.DiscardHandler)

func TestConformance(t *testing.T) {
	server := privateserver.OwnRedis(t)
	belltest.Run(t, func(t *testing.T) func() queue.Bell {
		flush(t, server)
		return func() queue.Bell { return open(t, server.URL(), quiet) }
	})
}

// What a command line rings just before it ends is heard.
func TestWhatWasRungBeforeCloseIsHeard(t *testing.T) {
	server := privateserver.OwnRedis(t)
	heard := listen(t, open(t, server.URL(), quiet))
	for n := range 20 {
		short := open(t, server.URL(), quiet)
		want := strconv.Itoa(n)
		if err := errors.Join(short.Ring(t.Context(), want), short.Close()); err != nil {
			t.Fatal(err)
		}
		select {
		case id := <-heard:
			if id != want {
				t.Fatalf("heard %s, want %s", id, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s was not heard", want)
		}
	}
}

func TestRingingIsHeardAgainAfterAFlush(t *testing.T) {
	server := privateserver.OwnRedis(t)
	bell := open(t, server.URL(), quiet)
	heard := listen(t, bell)
	ringUntilHeard(t, bell, heard)
	flush(t, server)
	ringUntilHeard(t, bell, heard)
}

func TestRedisMayComeLaterAndGoAndComeBack(t *testing.T) {
	server := privateserver.OwnRedis(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	var log safeLog
	bell := open(t, server.URL(), slog.New(slog.NewTextHandler(&log, nil)))
	heard := listen(t, bell)
	began := time.Now()
	for n := range 100 {
		if err := bell.Ring(t.Context(), strconv.Itoa(n)); err != nil {
			t.Fatalf("Ring without Redis: %v", err)
		}
	}
	if took := time.Since(began); took > patience/4 {
		t.Errorf("ringing without Redis took %s", took)
	}
	for times := 1; times <= 2; times++ {
		hearing(heard, func() { log.waitFor(t, "Redis is lost", times) })
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		ringUntilHeard(t, bell, heard)
		log.waitFor(t, "Redis is back", times)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	hearing(heard, func() { log.waitFor(t, "Redis is lost", 3) }) // once for each loss, however long it lasts
	text := log.String()
	if password := client(t, server).Options().Password; strings.Contains(text, password) {
		t.Error("the password is in the log")
	}
}

func TestTheStreamIsTrimmed(t *testing.T) {
	server := privateserver.OwnRedis(t)
	bell := open(t, server.URL(), quiet)
	redis := client(t, server)
	sent := func() int64 {
		info, err := redis.XInfoStream(t.Context(), "shipsql:bell").Result()
		if err != nil { // not made yet
			return 0
		}
		return info.EntriesAdded
	}
	for sent() < 10_000 {
		if err := bell.Ring(t.Context(), make([]string, 500)...); err != nil {
			t.Fatal(err)
		}
	}
	if n := redis.XLen(t.Context(), "shipsql:bell").Val(); n > 5000 {
		t.Errorf("%d rings are kept", n)
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	server := privateserver.OwnRedis(t)
	before := goleak.IgnoreCurrent()
	bell, err := redisbell.New(secret.Literal(server.URL()), quiet)
	if err != nil {
		t.Fatal(err)
	}
	ringUntilHeard(t, bell, listen(t, bell))
	if err := bell.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
}

// hearing hears what is rung while do runs: a bell that nobody listens to doesn't
// look at Redis.
func hearing(heard <-chan string, do func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-heard:
			case <-done:
				return
			}
		}
	}()
	defer func() {
		close(done)
		<-ended
	}()
	do()
}

// ringUntilHeard rings until a listener hears it, as the reconciler would.
func ringUntilHeard(t *testing.T, bell queue.Bell, heard <-chan string) {
	t.Helper()
	id := fmt.Sprint("ring ", time.Now().UnixNano())
	deadline := time.After(patience)
	for {
		if err := bell.Ring(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-heard:
			if got == id {
				return
			}
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("never heard")
		}
	}
}

func open(tb testing.TB, url string, log *slog.Logger) *redisbell.Bell {
	tb.Helper()
	bell, err := redisbell.New(secret.Literal(url), log)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = bell.Close() })
	return bell
}

func listen(tb testing.TB, bell queue.Bell) <-chan string {
	tb.Helper()
	heard, err := bell.Listen(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return heard
}

func run(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-result; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func client(tb testing.TB, server *privateserver.Redis) *redis.Client {
	tb.Helper()
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		tb.Fatal(err)
	}
	c := redis.NewClient(o)
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func flush(t *testing.T, server *privateserver.Redis) {
	t.Helper()
	if err := client(t, server).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func next[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return value
}

// safeLog collects log lines from many goroutines.
type safeLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// waitFor waits until the text was logged n times, and fails if it was more often.
func (l *safeLog) waitFor(t *testing.T, text string, n int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		count := strings.Count(l.String(), text)
		if count == n {
			return
		}
		if count > n {
			t.Fatalf("%q was logged %d times, want %d:\n%s", text, count, n, l.String())
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%q was logged %d times, want %d:\n%s", text, count, n, l.String())
		}
	}
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
