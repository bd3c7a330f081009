package redisbell_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/privateserver"
)

// BenchmarkRingToHeard measures one ring's way to a listener, and reports how
// many times a raw XADD + blocking XREADGROUP NOACK that takes.
func BenchmarkRingToHeard(b *testing.B) {
	server := privateserver.OwnRedis(b)
	bell := open(b, server.URL(), quiet)
	heard := listen(b, bell)
	began := time.Now()
	for b.Loop() {
		if err := bell.Ring(b.Context(), "01JD0000000000000000000000"); err != nil {
			b.Fatal(err)
		}
		<-heard
	}
	ours := time.Since(began) / time.Duration(b.N)
	raw := rawRoundTrip(b, server, b.N)
	b.ReportMetric(float64(ours)/float64(raw), "x-raw")
}

// rawRoundTrip is the mean time from XADD to its arrival at a blocked reader.
func rawRoundTrip(b *testing.B, server *privateserver.Redis, n int) time.Duration {
	b.Helper()
	const stream, group = "raw", "g"
	writer, reader := client(b, server), client(b, server)
	if err := writer.XGroupCreateMkStream(b.Context(), stream, group, "0").Err(); err != nil {
		b.Fatal(err)
	}
	arrived := make(chan error)
	go func() {
		for range n {
			arrived <- reader.XReadGroup(b.Context(), &redis.XReadGroupArgs{
				Group: group, Consumer: "c", Streams: []string{stream, ">"}, Count: 1, Block: time.Second, NoAck: true,
			}).Err()
		}
	}()
	began := time.Now()
	for range n {
		add := &redis.XAddArgs{Stream: stream, MaxLen: 4096, Approx: true, Values: []string{"id", "01JD0000000000000000000000"}}
		if err := writer.XAdd(b.Context(), add).Err(); err != nil {
			b.Fatal(err)
		}
		if err := <-arrived; err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / time.Duration(n)
}
