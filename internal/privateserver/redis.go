package privateserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
)

// Redis is a running Redis server. It is safe for concurrent use.
type Redis struct {
	private *server
	given   string
}

// StartRedis starts a private Redis server, which keeps nothing on disk, and
// returns when it answers. A missing installation is a not_found error that
// names the package.
func StartRedis(ctx context.Context) (*Redis, error) {
	bin, err := redisBinary()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "Redis", "redis", "nobody")
	if err != nil {
		return nil, err
	}
	r := &Redis{private: s}
	s.command = func() *exec.Cmd { return r.command(bin) }
	s.ping = r.ping
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return r, nil
}

// command gives the configuration on standard input, where ps can't see the
// password.
func (r *Redis) command(bin string) *exec.Cmd {
	s := r.private
	cmd := exec.Command(bin, "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf(
		"bind 127.0.0.1\nport %d\nunixsocket %s\nrequirepass %s\nsave \"\"\nappendonly no\ndir %s\n",
		s.port, s.path("redis.sock"), s.password, s.home))
	return cmd
}

// URL is where the server is reached over TCP, password included.
func (r *Redis) URL() string {
	if r.given != "" {
		return r.given
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("", r.private.password), Host: r.private.address(), Path: "/0"}
	return u.String()
}

// Kill ends the server with SIGKILL; what it held is lost.
func (r *Redis) Kill() error {
	if r.given != "" {
		return errGiven
	}
	r.private.kill()
	return nil
}

// Restart kills the server if it runs and starts it again, empty, on the same
// port.
func (r *Redis) Restart(ctx context.Context) error {
	if r.given != "" {
		return errGiven
	}
	return r.private.restart(ctx)
}

// Stop ends the server and removes its folder; a given server is left alone.
func (r *Redis) Stop() error {
	if r.given != "" {
		return nil
	}
	return r.private.stop()
}

func (r *Redis) ping(ctx context.Context) error {
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		return err
	}
	o.MaxRetries = -1 // the caller polls
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}

func redisBinary() (string, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fault.New(fault.NotFound, "Redis is not installed: no redis-server on PATH").
			Then("install it (Debian, Ubuntu: apt-get install redis-server) or put its folder on PATH")
	}
	return bin, nil
}
