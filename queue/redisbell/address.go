package redisbell

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// address is a Redis URL, read.
type address struct {
	kind       string // redis, unix, sentinel or cluster
	secure     bool
	user       *url.Userinfo // may be nil
	hosts      []string      // host:port; the socket's path for unix
	master     string        // sentinel's name of the master
	db         int
	parameters url.Values
}

// schemes say what a URL's beginning means.
var schemes = map[string]struct {
	kind   string
	secure bool
	port   string
}{
	"redis":           {"redis", false, "6379"},
	"rediss":          {"redis", true, "6379"},
	"unix":            {"unix", false, ""},
	"redis+sentinel":  {"sentinel", false, "26379"},
	"rediss+sentinel": {"sentinel", true, "26379"},
	"redis+cluster":   {"cluster", false, "6379"},
	"rediss+cluster":  {"cluster", true, "6379"},
}

// parameters are what may stand behind the ? of a URL, by its kind and whether
// TLS is on.
func allowed(a address) (names []string) {
	if a.secure {
		names = append(names, "ca", "cert", "key", "server_name")
	}
	switch a.kind {
	case "sentinel":
		names = append(names, "sentinel_user", "sentinel_password")
	case "unix":
		names = append(names, "db")
	}
	return names
}

// refuse says what is wrong with a Redis URL. The URL is not shown: it may hold
// a password.
func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "the Redis URL can't be read: "+format, args...).
		Then("write it as redis://[[user]:password@]host:6379/0, rediss://… for TLS, " +
			"redis+sentinel://…@host:26379,host:26379/MASTER/0 or redis+cluster://…@host:6379,host:6379")
}

// parse reads a URL; see the package comment for its forms.
func parse(text string) (address, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	form, known := schemes[scheme]
	if !known {
		return address{}, refuse("it begins with none of %s", strings.Join(schemeNames(), ", "))
	}
	// net/url takes one host only, so the list is cut out.
	authority, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	login := strings.LastIndex(authority, "@") + 1
	u, err := url.Parse(scheme + "://" + authority[:login] + "host" + tail)
	if err != nil {
		return address{}, refuse("it is no URL") // the cause would show the password
	}
	a := address{kind: form.kind, secure: form.secure, user: u.User, parameters: u.Query()}
	for name := range a.parameters {
		if !slices.Contains(allowed(a), name) {
			return a, refuse("it knows no parameter %q; it may have: %s", name, strings.Join(allowed(a), ", "))
		}
	}
	if a.hosts, err = hosts(authority[login:], form.port); err != nil {
		return a, err
	}
	return a, a.readPath(u.Path)
}

func schemeNames() []string {
	names := make([]string, 0, len(schemes))
	for name := range schemes {
		names = append(names, name+"://")
	}
	slices.Sort(names)
	return names
}

// hosts reads a list of hosts, each with the default port unless it names one.
func hosts(list, port string) (found []string, err error) {
	if port == "" {
		return nil, nil
	}
	for host := range strings.SplitSeq(list, ",") {
		if _, number, err := net.SplitHostPort(host); err == nil {
			if _, err := strconv.ParseUint(number, 10, 16); err != nil {
				return nil, refuse("a port is no number")
			}
		} else {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		if strings.HasPrefix(host, ":") {
			return nil, refuse("a host is missing")
		}
		found = append(found, host)
	}
	return found, nil
}

// readPath reads what stands behind the hosts: a socket, or [MASTER/]DB.
func (a *address) readPath(path string) (err error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	number := parts[0]
	switch a.kind {
	case "unix":
		if number = a.parameters.Get("db"); path == "" || path == "/" {
			return refuse("the socket's path is missing")
		}
		a.hosts, parts = []string{path}, nil
	case "sentinel":
		if a.master = parts[0]; a.master == "" {
			return refuse("the name of Sentinel's master is missing")
		}
		number, parts = "", parts[1:]
		if len(parts) > 0 {
			number = parts[0]
		}
	case "redis":
		if len(a.hosts) > 1 {
			return refuse("it names several hosts, which is for redis+sentinel:// and redis+cluster://")
		}
	}
	if number != "" {
		a.db, err = strconv.Atoi(number)
	}
	if err != nil || a.db < 0 || len(parts) > 1 {
		return refuse("what follows the hosts is no number of a database")
	}
	if a.kind == "cluster" && a.db != 0 {
		return refuse("a cluster has only database 0")
	}
	return nil
}

// options are what the library wants to know. Certificates are read now.
func (a *address) options() (*redis.UniversalOptions, error) {
	o := &redis.UniversalOptions{
		Addrs: a.hosts, MasterName: a.master, IsClusterMode: a.kind == "cluster", DB: a.db,
		SentinelUsername: a.parameters.Get("sentinel_user"), SentinelPassword: a.parameters.Get("sentinel_password"),
		MaxRetries: -1, DialerRetries: 1, // the loops here try again
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, ContextTimeoutEnabled: true,
	}
	if a.user != nil {
		o.Username = a.user.Username()
		o.Password, _ = a.user.Password()
	}
	if !a.secure {
		return o, nil
	}
	var err error
	o.TLSConfig, err = a.tls()
	return o, err
}

// tls verifies the server against the CA (or the system's), as server_name or
// the host that is dialled, and shows our certificate where there is one.
func (a *address) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.parameters.Get("server_name")}
	if path := a.parameters.Get("ca"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.New(fault.Invalid, "can't read the CA of Redis").At(path).Because(err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "the CA of Redis holds no certificate").At(path).Then("give it a PEM file")
		}
	}
	cert, key := a.parameters.Get("cert"), a.parameters.Get("key")
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't use the certificate for Redis").At(cert).Because(err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// connect makes a client from the URL as it reads now. It does not connect yet.
func connect(source secret.Source) (redis.UniversalClient, error) {
	text, err := source.Read()
	if err != nil {
		return nil, err
	}
	a, err := parse(text)
	if err != nil {
		return nil, err
	}
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	silenceLibrary()
	return redis.NewUniversalClient(o), nil
}
