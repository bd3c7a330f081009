package privateserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
)

// RedisOptions say how a Redis server is set up.
type RedisOptions struct {
	// TLS makes the server speak TLS only, with certificates of a CA of its own;
	// see [Redis.Certificates]. It asks clients for a certificate too.
	TLS bool
	// Settings are further lines of the configuration, e.g. "appendonly yes".
	Settings []string

	sentinel bool
	password string // "": a random one
}

// Redis is a running Redis server. It is safe for concurrent use.
type Redis struct {
	private *server
	given   string
	options RedisOptions
}

// StartRedis starts a private Redis server, which keeps nothing on disk, and
// returns when it answers. A missing installation is a not_found error that
// names the package.
func StartRedis(ctx context.Context) (*Redis, error) { return StartRedisWith(ctx, RedisOptions{}) }

// StartRedisWith is StartRedis with options.
func StartRedisWith(ctx context.Context, o RedisOptions) (*Redis, error) {
	bin, err := redisBinary()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "Redis", true, "redis", "nobody")
	if err != nil {
		return nil, err
	}
	if o.password != "" {
		s.password = o.password
	}
	r := &Redis{private: s, options: o}
	s.command = func() *exec.Cmd { return r.command(bin) }
	s.ping = r.ping
	if err := r.boot(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return r, nil
}

func (r *Redis) boot(ctx context.Context) error {
	if r.options.TLS {
		if err := r.makeCertificates(); err != nil {
			return err
		}
	}
	if r.options.sentinel {
		if err := r.private.write("sentinel.conf", []byte(r.configuration())); err != nil {
			return err
		}
	}
	return r.private.start(ctx)
}

// command gives the configuration on standard input, where ps can't see the
// password. Sentinel wants a file, which it rewrites.
func (r *Redis) command(bin string) *exec.Cmd {
	if r.options.sentinel {
		return exec.Command(bin, r.private.path("sentinel.conf"), "--sentinel", "--port", strconv.Itoa(r.private.port))
	}
	cmd := exec.Command(bin, "-")
	cmd.Stdin = strings.NewReader(r.configuration())
	return cmd
}

func (r *Redis) configuration() string {
	s := r.private
	lines := []string{"bind 127.0.0.1", "dir " + s.home}
	if r.options.TLS {
		lines = append(lines, r.tlsSettings()...)
	} else {
		lines = append(lines, fmt.Sprintf("port %d", s.port))
	}
	if !r.options.sentinel {
		lines = append(lines, "unixsocket "+s.path("redis.sock"), "requirepass "+s.password, "masterauth "+s.password,
			`save ""`, "appendonly no", "repl-diskless-sync-delay 0")
	}
	return strings.Join(append(lines, r.options.Settings...), "\n") + "\n"
}

// URL is where the server is reached over TCP, password included; with TLS it
// names the CA and the client's certificate.
func (r *Redis) URL() string {
	if r.given != "" {
		return r.given
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("", r.private.password), Host: r.private.address(), Path: "/0"}
	if r.options.TLS {
		c := r.Certificates()
		u.Scheme, u.RawQuery = "rediss", url.Values{"ca": {c.CA}, "cert": {c.Cert}, "key": {c.Key}}.Encode()
	}
	return u.String()
}

// Password is the password of the default user.
func (r *Redis) Password() string { return r.private.password }

// Address is the server's host:port.
func (r *Redis) Address() string { return r.private.address() }

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
	client, err := r.client()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}

// client is a client of this very server, whatever it is part of.
func (r *Redis) client() (*redis.Client, error) {
	o := &redis.Options{Addr: r.private.address(), MaxRetries: -1} // the caller polls
	if !r.options.sentinel {
		o.Password = r.private.password
	}
	if r.options.TLS {
		config, err := r.Certificates().Client()
		if err != nil {
			return nil, err
		}
		o.TLSConfig = config
	}
	return redis.NewClient(o), nil
}

// Client is the configuration of a client that trusts the CA and has the
// certificate.
func (c Certificates) Client() (*tls.Config, error) {
	pool, err := certPool(c.CA)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{pair}}, err
}

func redisBinary() (string, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fault.New(fault.NotFound, "Redis is not installed: no redis-server on PATH").
			Then("install it (Debian, Ubuntu: apt-get install redis-server) or put its folder on PATH")
	}
	return bin, nil
}
