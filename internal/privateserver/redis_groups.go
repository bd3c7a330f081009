package privateserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/loopback"
)

// RedisSentinel is a master with a replica, watched by three Sentinels.
type RedisSentinel struct {
	// Data are the master, at first, and its replica.
	Data      [2]*Redis
	Sentinels [3]*Redis
}

const masterName = "shipsql"

// OwnRedisSentinel starts them for one test; they end with it.
func OwnRedisSentinel(tb TB) *RedisSentinel {
	tb.Helper()
	g := &RedisSentinel{}
	password := rand.Text()
	g.Data[0] = OwnRedisWith(tb, RedisOptions{password: password})
	g.Data[1] = OwnRedisWith(tb, RedisOptions{password: password, Settings: []string{fmt.Sprintf("replicaof 127.0.0.1 %d", g.Data[0].private.port)}})
	for i := range g.Sentinels {
		g.Sentinels[i] = OwnRedisWith(tb, RedisOptions{sentinel: true, Settings: []string{
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", masterName, g.Data[0].private.port),
			fmt.Sprintf("sentinel auth-pass %s %s", masterName, password),
			fmt.Sprintf("sentinel down-after-milliseconds %s 500", masterName),
			fmt.Sprintf("sentinel failover-timeout %s 3000", masterName),
		}})
	}
	if err := g.settled(); err != nil {
		tb.Fatalf("own Redis Sentinel: %v", err)
	}
	return g
}

// URL is where the master is found, whichever it is.
func (g *RedisSentinel) URL() string {
	u := url.URL{Scheme: "redis+sentinel", User: url.UserPassword("", g.Data[0].Password()), Host: addresses(g.Sentinels[:]), Path: "/" + masterName + "/0"}
	return u.String()
}

// settled waits until every Sentinel knows the others and the replica: sooner, no
// fail-over is possible.
func (g *RedisSentinel) settled() error {
	return waitFor(func(ctx context.Context) error {
		for _, sentinel := range g.Sentinels {
			text, err := sentinel.ask(ctx, "INFO", "sentinel")
			if err != nil {
				return err
			}
			if !strings.Contains(fmt.Sprint(text), "status=ok") || !strings.Contains(fmt.Sprint(text), "slaves=1,sentinels=3") {
				return fmt.Errorf("not settled: %v", text)
			}
		}
		return nil
	})
}

// RedisCluster is a cluster of masters without replicas.
type RedisCluster struct {
	Nodes []*Redis
}

// slots is how many slots a cluster has.
const slots = 16384

// OwnRedisCluster starts a cluster of so many masters for one test; it ends with
// it. What is left of a cluster that lost a node goes on with its own slots.
func OwnRedisCluster(tb TB, masters int) *RedisCluster {
	tb.Helper()
	c := &RedisCluster{}
	password := rand.Text()
	for range masters {
		bus, err := loopback.Free(context.Background())
		if err != nil {
			tb.Fatalf("own Redis cluster: %v", err)
		}
		c.Nodes = append(c.Nodes, OwnRedisWith(tb, RedisOptions{password: password, Settings: []string{
			"cluster-enabled yes", fmt.Sprintf("cluster-port %d", bus), "cluster-node-timeout 1000", "cluster-require-full-coverage no",
		}}))
		if err := c.join(bus); err != nil {
			tb.Fatalf("own Redis cluster: %v", err)
		}
	}
	if err := errors.Join(c.share(), c.settled()); err != nil {
		tb.Fatalf("own Redis cluster: %v", err)
	}
	return c
}

// join makes the first node meet the newest, and the others learn of it.
func (c *RedisCluster) join(bus int) error {
	newest := c.Nodes[len(c.Nodes)-1]
	_, err := c.Nodes[0].ask(context.Background(), "CLUSTER", "MEET", "127.0.0.1", newest.private.port, bus)
	return err
}

// share gives each node its part of the slots.
func (c *RedisCluster) share() error {
	for i, node := range c.Nodes {
		from, to := slots*i/len(c.Nodes), slots*(i+1)/len(c.Nodes)-1
		if _, err := node.ask(context.Background(), "CLUSTER", "ADDSLOTSRANGE", from, to); err != nil {
			return err
		}
	}
	return nil
}

func (c *RedisCluster) settled() error {
	return waitFor(func(ctx context.Context) error {
		for _, node := range c.Nodes {
			text, err := node.ask(ctx, "CLUSTER", "INFO")
			if err != nil {
				return err
			}
			if !strings.Contains(fmt.Sprint(text), "cluster_state:ok") || !strings.Contains(fmt.Sprint(text), fmt.Sprintf("cluster_size:%d", len(c.Nodes))) {
				return fmt.Errorf("not settled: %v", text)
			}
		}
		return nil
	})
}

// URL names all nodes.
func (c *RedisCluster) URL() string {
	u := url.URL{Scheme: "redis+cluster", User: url.UserPassword("", c.Nodes[0].Password()), Host: addresses(c.Nodes)}
	return u.String()
}

func addresses(servers []*Redis) string {
	list := make([]string, len(servers))
	for i, server := range servers {
		list[i] = server.Address()
	}
	return strings.Join(list, ",")
}

// ask runs a command on this very server.
func (r *Redis) ask(ctx context.Context, command ...any) (any, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	return client.Do(ctx, command...).Result()
}

// waitFor polls until there is no error, for as long as a server may take to start.
func waitFor(settled func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for {
		err := settled(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(pollEvery)
	}
}
