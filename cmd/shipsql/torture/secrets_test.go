package torture_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// secrets are what nobody may ever read, by what they are for. Their values hold
// only letters and digits where they are generated elsewhere; ours also hold what
// has to be escaped in URLs, SQL and JSON, around a core that stays as it is.
type secrets map[string]string

// plant makes a password for the store and each database, and the webhook secret.
func plant(databases []string) secrets {
	planted := secrets{"webhook secret": "hook-" + rand.Text()}
	for _, name := range append([]string{storeName}, databases...) {
		planted[name] = "pw-" + rand.Text() + "@/%&"
	}
	return planted
}

// core is the part of a secret that looks the same however it is escaped.
func core(value string) string { return strings.TrimRight(value, "@/%&") }

func passwordOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}

// middle is the longest piece of the middle line of a PEM block that looks the
// same however it is escaped.
func middle(pem string) string {
	lines := strings.Split(pem, "\n")
	pieces := strings.FieldsFunc(lines[len(lines)/2], func(c rune) bool { return c == '+' || c == '/' })
	return slices.MaxFunc(pieces, func(a, b string) int { return len(a) - len(b) })
}

// issued are the forms of what the forge issues: installation tokens, and the
// app's own signed requests.
var issued = regexp.MustCompile(`gh[pousr]_[A-Za-z0-9]{16,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)

// leaks names the secrets that a text shows.
func (s secrets) leaks(text string) []string {
	var found []string
	for name, value := range s {
		if strings.Contains(text, core(value)) {
			found = append(found, name)
		}
	}
	if issued.MatchString(text) {
		found = append(found, "a token")
	}
	slices.Sort(found)
	return found
}

// scan reads everything that ShipSQL wrote anywhere and names what shows a
// secret. Each text is read once more with a secret in it, which must be found.
func (w *world) scan(texts map[string]string) []string {
	var found []string
	for where, text := range texts {
		if text == "" {
			found = append(found, where+" is empty, so nothing was looked at")
		}
		for _, name := range w.secrets.leaks(text) {
			found = append(found, fmt.Sprintf("%s shows the secret: %s", where, name))
		}
		if !slices.Contains(w.secrets.leaks(text[:len(text)/2]+w.secrets[storeName]+text[len(text)/2:]), storeName) {
			found = append(found, where+": a planted secret is not found")
		}
	}
	return found
}

// shown is everything a person may read but for the logs: what stands on the
// forge, the web pages, the tables of the store.
func (w *world) shown(ctx context.Context) (map[string]string, error) {
	texts := map[string]string{}
	forge, err := w.onForge(ctx)
	if err != nil {
		return nil, err
	}
	texts["the forge"] = forge
	releases, err := w.list(ctx, w.store, storeName, "SELECT id FROM deploy_releases ORDER BY seq")
	if err != nil {
		return nil, err
	}
	for i, address := range w.address {
		for _, path := range append([]string{"", "metrics", "readyz"}, prefixed("releases/", releases)...) {
			if texts[fmt.Sprintf("page /%s of web-%d", path, i+1)], err = page(ctx, "http://"+address+"/"+path); err != nil {
				return nil, err
			}
		}
	}
	if texts["the store"], err = w.contents(ctx, storeName); err != nil {
		return nil, err
	}
	for _, database := range w.databases {
		rows, err := w.list(ctx, w.target, database, "SELECT row_to_json(m)::text FROM shipsql.migrations m UNION ALL SELECT row_to_json(s)::text FROM shipsql.steps s")
		if err != nil {
			return nil, err
		}
		texts["the ledger of "+database] = strings.Join(rows, "\n")
	}
	return texts, nil
}

// onForge is what ShipSQL wrote on the forge, as JSON.
func (w *world) onForge(ctx context.Context) (string, error) {
	var written []any
	err := w.forge.Wait(ctx, func(s *miniforge.State) bool {
		for n := 1; ; n++ {
			pr, ok := s.PR(repository, n)
			if !ok {
				break
			}
			written = append(written, pr, s.ChecksOf(repository, pr.MergeSHA))
		}
		written = append(written, s.Deployments(repository))
		return true
	})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(written)
	return string(text), err
}

// contents are all rows of the store.
func (w *world) contents(ctx context.Context, database string) (string, error) {
	tables, err := w.list(ctx, w.store, database, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := w.list(ctx, w.store, database, "SELECT row_to_json(t)::text FROM "+table+" t")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "-- %s\n%s\n", table, strings.Join(rows, "\n"))
	}
	return all.String(), nil
}

// logs are everything the nodes ever printed.
func (w *world) logs() (map[string]string, error) {
	texts := map[string]string{}
	for _, n := range w.all() {
		text, err := os.ReadFile(n.log)
		if err != nil {
			return nil, err
		}
		texts["the log "+filepath.Base(n.log)] = string(text)
	}
	return texts, nil
}

func page(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %s", url, answer.Status)
	}
	return string(body), err
}

func prefixed(prefix string, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

func TestTheScanFindsEveryPlantedSecret(t *testing.T) {
	w := &world{secrets: plant(orders)}
	w.secrets["redis"] = passwordOf("redis://:r3d1s@127.0.0.1:1/0")
	w.secrets["private key"] = middle("-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nab/yn0AwwCYkb0Lh\n-----END KEY-----\n")
	if problems := w.scan(map[string]string{"clean": `{"error":"password authentication failed for user \"shipsql\""}`}); len(problems) > 0 {
		t.Error(problems)
	}
	for name, value := range w.secrets {
		escaped, err := json.Marshal(url.UserPassword("u", value).String())
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{value, url.QueryEscape(value), string(escaped)} {
			if got := w.secrets.leaks("x " + form + " y"); !slices.Equal(got, []string{name}) {
				t.Errorf("%s as %q: %v", name, form, got)
			}
		}
	}
	for _, token := range []string{"ghs_0123456789abcdef0123456789abcdef0123", "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3OTUyNDAwMDB9.sig"} {
		if got := w.secrets.leaks(token); !slices.Equal(got, []string{"a token"}) {
			t.Errorf("%s: %v", token, got)
		}
	}
}
