package redisbell

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Facts is what an operator should know of a Redis. The bell works with any of
// it: a ring that is lost or evicted costs seconds.
type Facts struct {
	Version string // e.g. "7.0.15"
	Mode    string // standalone, sentinel or cluster: how we reach it
	// Persistence is rdb, aof, rdb+aof, none, or unknown where the server does
	// not say (managed ones refuse CONFIG). The bell does not need any.
	Persistence string
	MaxMemory   int64  // bytes; 0: no limit
	Policy      string // maxmemory-policy, e.g. "noeviction"
}

// Evicts says that the server may throw the stream away when its memory is full.
// It is made again at the next ring.
func (f Facts) Evicts() bool { return f.MaxMemory > 0 && strings.HasPrefix(f.Policy, "allkeys-") }

// Inspect asks the Redis at url (a cluster: one of its nodes) for its facts. It
// is unreachable when it does not answer in time, denied when it refuses the
// login, and invalid when the URL can't be read.
func Inspect(ctx context.Context, url secret.Source) (Facts, error) {
	l := link{url: url}
	defer l.drop()
	var f Facts
	err := l.use(ctx, func(c redis.UniversalClient) (err error) { f, err = inspect(ctx, c); return err })
	if err == nil || fault.CodeOf(err) == fault.Invalid {
		f.Mode = modeOf(url)
		return f, err
	}
	code, next := fault.Unreachable, "check that it runs, and that the network lets us through"
	if isRefused(err) {
		code, next = fault.Denied, "check the user and password in redis:"
	}
	text, _ := url.Read()
	return Facts{}, fault.New(code, "Redis does not work: %s", secret.Redact(err.Error(), passwords(text)...)).Then("%s", next)
}

func inspect(ctx context.Context, client redis.UniversalClient) (f Facts, err error) {
	text := ""
	for _, section := range []string{"server", "persistence", "memory"} { // one at a time: Redis 6 takes no list
		part, err := client.Info(ctx, section).Result()
		if err != nil {
			return f, err
		}
		text += part
	}
	info := infoFields(text)
	f.Version, f.Policy = info["redis_version"], info["maxmemory_policy"]
	f.MaxMemory, _ = strconv.ParseInt(info["maxmemory"], 10, 64) // older ones don't say: no limit known
	f.Persistence = persistence(ctx, client, info["aof_enabled"] == "1")
	return f, nil
}

// persistence says what is kept on disk. Only CONFIG tells of snapshots.
func persistence(ctx context.Context, client redis.UniversalClient, aof bool) string {
	save, err := client.ConfigGet(ctx, "save").Result()
	switch rdb := save["save"] != ""; {
	case rdb && aof:
		return "rdb+aof"
	case aof:
		return "aof"
	case err != nil:
		return "unknown"
	case rdb:
		return "rdb"
	}
	return "none"
}

// infoFields reads the lines "name:value" of INFO.
func infoFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func modeOf(url secret.Source) string {
	text, _ := url.Read()
	switch a, _ := parse(text); a.kind {
	case "sentinel", "cluster":
		return a.kind
	}
	return "standalone"
}

// isRefused says that the server answered, and does not let us in.
func isRefused(err error) bool {
	for _, begin := range []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH"} {
		if strings.Contains(err.Error(), begin) {
			return true
		}
	}
	return false
}

// passwords are the secret parts of a URL.
func passwords(text string) []string {
	a, err := parse(text)
	if err != nil {
		return nil
	}
	found := []string{a.parameters.Get("sentinel_password")}
	if a.user != nil {
		password, _ := a.user.Password()
		found = append(found, password)
	}
	return found
}
