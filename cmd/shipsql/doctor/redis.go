package doctor

import (
	"net"
	"net/url"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue/redisbell"
)

// judgeNoRedis: with a shared store and no bell between processes, work is found
// by polling.
func judgeNoRedis(shared bool) Result {
	t := topic{"redis", ""}
	if shared {
		return t.warning("none is configured, and several processes may share the store").
			because("work that one process makes for another is found by polling, up to 4 s later").fix("set redis: in the configuration, unless one process does everything")
	}
	return t.ok("none is configured; one process needs none")
}

func judgeRedis(f redisbell.Facts, plain bool) []Result {
	t := topic{"redis", ""}
	persistence := map[string]string{"none": "no persistence, and none is needed", "unknown": "it does not say what it keeps, and need keep nothing"}[f.Persistence]
	if persistence == "" {
		persistence = "persistence " + f.Persistence + ", though none is needed"
	}
	results := []Result{t.ok("Redis %s, %s, %s, maxmemory-policy %s", f.Version, f.Mode, persistence, f.Policy)}
	if f.Evicts() {
		results = append(results, t.warning("it may throw our stream away when its memory is full (%s at %s)", f.Policy, size(f.MaxMemory)).
			because("a ring that is lost costs seconds, never work").fix("CONFIG SET maxmemory-policy noeviction, or a Redis of ShipSQL's own"))
	}
	if plain {
		results = append(results, t.warning("the way to it is not encrypted").
			because("its password can be read on the network").fix("use rediss:// (rediss+sentinel://, rediss+cluster://)"))
	}
	return results
}

// plainRedis says that the URL leads over a network without TLS.
func plainRedis(source secret.Source) bool {
	text, _ := source.Read()
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "redis+sentinel" && u.Scheme != "redis+cluster" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}
