package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/secret"
)

func (c checker) servers() {
	if c.Server.PublicURL != "" {
		c.webAddress(c.Server.PublicURL, "server.public_url")
	}
	if _, _, err := net.SplitHostPort(c.Server.Listen); c.Server.Listen != "" && err != nil {
		c.fail("server.listen", `write host:port, e.g. ":8080"`, "not an address to listen on")
	}
	if text, ok := read(c.Store); ok {
		c.store(text)
	}
	if text, ok := read(c.Redis); ok && !c.Redis.IsZero() {
		c.redis(text)
	}
	for _, list := range []struct {
		path  string
		empty bool
	}{
		{"providers.github", len(c.Providers.GitHub) == 0}, {"databases", len(c.Databases) == 0},
		{"environments", len(c.Environments) == 0}, {"projects", len(c.Projects) == 0},
	} {
		if list.empty && c.places[list.path] != nil && len(c.places[list.path].Content) == 0 && c.places[list.path].Value == "" {
			c.fail(list.path, "give at least one", "the list is empty")
		}
	}
}

func (c checker) store(text string) {
	const forms = "use sqlite:PATH, or postgres://host:5432/database"
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "sqlite" && rest != "":
	case slices.Contains([]string{"postgres", "postgresql"}, scheme) && strings.HasPrefix(rest, "//"):
	default:
		c.fail("store", forms, "not a store")
	}
}

// redisSchemes are the forms of a Redis address; what follows each, the client
// checks at the start.
var redisSchemes = []string{"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}

func (c checker) redis(text string) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok || !slices.Contains(redisSchemes, scheme):
		c.fail("redis", "start it with "+strings.Join(redisSchemes, "://, ")+"://", "not a URL of a scheme that fits")
	case strings.HasSuffix(scheme, "sentinel") && len(sentinelMaster.FindString(rest)) == 0:
		c.fail("redis", "write it like "+scheme+"://sentinel-1:26379,sentinel-2:26379/MASTER/0", "the name of the master is missing")
	}
}

// sentinelMaster finds hosts and the master's name after the scheme.
var sentinelMaster = regexp.MustCompile(`^[^/?#]+/[^/?#]+`)

// webAddress checks for an http(s) URL with a host and nothing that would get
// lost when paths are added to it.
func (c checker) webAddress(text, path string) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		c.fail(path, "write it like https://shipsql.example.com", "not an http or https address")
	case parsed.User != nil:
		c.fail(path, "remove it", "must not hold a user or password")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		c.fail(path, "remove it", "must not hold a query or fragment")
	}
}

func (c checker) gitHub(p gitHub, path string) {
	c.name(p.Name, path+".name")
	c.webAddress(p.BaseURL, path+".base_url")
	if p.APIURL != "" {
		c.webAddress(p.APIURL, path+".api_url")
	}
	c.webhookSecrets(p.WebhookSecret, path+".webhook_secret")
	if c.places[path+".private_key"] != nil && p.PrivateKey.IsZero() {
		c.fail(path+".private_key", "generate one on the GitHub App's page", "must not be empty")
	}
}

// maxWebhookSecrets are the old one and the new one.
const maxWebhookSecrets = 2

func (c checker) webhookSecrets(secrets []secret.Source, path string) {
	const why = "anybody could send webhooks: set one here and in the GitHub App"
	switch {
	case c.places[path] == nil:
	case len(secrets) == 0:
		c.fail(path, why, "must not be empty")
	case len(secrets) > maxWebhookSecrets:
		c.fail(path, "keep the old one and the new one", "more than %d secrets", maxWebhookSecrets)
	case len(secrets) == maxWebhookSecrets && c.identity(secrets[0]) == c.identity(secrets[1]):
		c.fail(path+"[1]", "give the new one, or one alone", "the same as the first")
	}
	for i, s := range secrets {
		place := fmt.Sprintf("%s[%d]", path, i)
		if c.places[place] == nil { // it was not given as a list
			place = path
		}
		if s.IsZero() {
			c.fail(place, why, "must not be empty")
		}
	}
}
