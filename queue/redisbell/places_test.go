package redisbell_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue/redisbell"
)

func TestTLSWithTheServersCAAndOurCertificate(t *testing.T) {
	server := privateserver.OwnRedisWith(t, privateserver.RedisOptions{TLS: true})
	bell := open(t, server.URL(), quiet)
	ringUntilHeard(t, bell, listen(t, bell))
	named := with(t, server.URL(), func(_ *url.URL, q url.Values) { q.Set("server_name", "redis.internal") })
	for what, broken := range map[string]string{
		"a stranger's CA": with(t, server.URL(), func(_ *url.URL, q url.Values) { q.Del("ca") }),
		"no certificate":  with(t, server.URL(), func(_ *url.URL, q url.Values) { q.Del("cert"); q.Del("key") }),
		"another's name":  with(t, server.URL(), func(_ *url.URL, q url.Values) { q.Set("server_name", "evil.example.com") }),
	} {
		if _, err := redisbell.Inspect(t.Context(), secret.Literal(broken)); fault.CodeOf(err) != fault.Unreachable {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := redisbell.Inspect(t.Context(), secret.Literal(named)); err != nil {
		t.Errorf("by its other name: %v", err)
	}
}

func TestAnACLUserAndARotatedPassword(t *testing.T) {
	server := privateserver.OwnRedis(t)
	admin := client(t, server)
	login := func(password string) {
		t.Helper()
		do(t, admin, "ACL", "SETUSER", "bell", "reset", "on", ">"+password, "~shipsql:*", "+xadd", "+xreadgroup", "+xgroup|create", "+ping", "+client", "+select")
	}
	login("first-password")
	file := filepath.Join(t.TempDir(), "redis-url")
	write := func(password string) {
		t.Helper()
		text := with(t, server.URL(), func(u *url.URL, _ url.Values) { u.User = url.UserPassword("bell", password) })
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-password")
	bell, err := redisbell.New(secret.Parse("file:"+file, ""), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bell.Close() })
	heard := listen(t, bell)
	ringUntilHeard(t, bell, heard)
	login("second-password")
	do(t, admin, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	write("second-password") // no restart: it is read again
	ringUntilHeard(t, bell, heard)
}

func TestSentinelFailsOver(t *testing.T) {
	group := privateserver.OwnRedisSentinel(t)
	bell := open(t, group.URL(), quiet)
	heard := listen(t, bell)
	ringUntilHeard(t, bell, heard)
	if facts, err := redisbell.Inspect(t.Context(), secret.Literal(group.URL())); err != nil || facts.Mode != "sentinel" {
		t.Errorf("Inspect = %+v, %v", facts, err)
	}
	began := time.Now()
	if err := group.Data[0].Kill(); err != nil {
		t.Fatal(err)
	}
	ringUntilHeard(t, bell, heard)
	t.Logf("rings are heard again %s after the master was killed", time.Since(began).Round(time.Millisecond))
	if err := group.Sentinels[0].Kill(); err != nil { // two are left
		t.Fatal(err)
	}
	another := open(t, group.URL(), quiet)
	ringUntilHeard(t, another, heard)
}

func TestAClusterMovesTheStreamAndLosesNodes(t *testing.T) {
	cluster := privateserver.OwnRedisCluster(t, 3)
	bell := open(t, cluster.URL(), quiet)
	heard := listen(t, bell)
	ringUntilHeard(t, bell, heard)
	slot, err := client(t, cluster.Nodes[0]).ClusterKeySlot(t.Context(), "shipsql:bell").Result()
	if err != nil {
		t.Fatal(err)
	}
	holder := int(slot) * 3 / 16384
	other := (holder + 1) % 3
	move(t, cluster, slot, other)
	ringUntilHeard(t, bell, heard)

	// A node that does not hold the stream is gone, then the one that does.
	if err := cluster.Nodes[holder].Kill(); err != nil {
		t.Fatal(err)
	}
	ringUntilHeard(t, bell, heard)
	if err := cluster.Nodes[other].Kill(); err != nil {
		t.Fatal(err)
	}
	if err := bell.Ring(t.Context(), "nobody hears this"); err != nil {
		t.Errorf("ringing: %v", err)
	}
	for _, n := range []int{holder, other} {
		if err := cluster.Nodes[n].Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ringUntilHeard(t, bell, heard)
}

// move gives a slot to another node; the stream in it stays behind, lost.
func move(t *testing.T, cluster *privateserver.RedisCluster, slot int64, to int) {
	t.Helper()
	id := client(t, cluster.Nodes[to]).ClusterMyID(t.Context()).Val()
	order := []int{to, (to + 1) % 3, (to + 2) % 3} // the new holder first
	for _, n := range order {
		node := client(t, cluster.Nodes[n])
		if slices.Index(order, n) > 0 {
			_ = node.Del(t.Context(), "shipsql:bell").Err() // those who don't hold it refuse
		}
		do(t, node, "CLUSTER", "SETSLOT", slot, "NODE", id)
	}
}

func do(t *testing.T, c *redis.Client, command ...any) {
	t.Helper()
	if err := c.Do(t.Context(), command...).Err(); err != nil {
		t.Fatalf("%v: %v", command[0], err)
	}
}

// with changes a URL.
func with(t *testing.T, text string, change func(*url.URL, url.Values)) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	change(u, query)
	u.RawQuery = query.Encode()
	return u.String()
}
