package doctor

import (
	"fmt"
	"os"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/internal/secret"
)

// named is a secret with the key it stands under.
type named struct {
	key    string
	source secret.Source
}

// ours are the secrets that this part of the app reads.
func (s Site) ours() []named {
	all := []named{{"store", s.Config.Store}, {"redis", s.Config.Redis}}
	for _, g := range s.Config.GitHub {
		all = append(all, named{"providers " + g.Name + ": private_key", g.PrivateKey})
		for _, w := range g.WebhookSecrets {
			all = append(all, named{"providers " + g.Name + ": webhook_secret", w})
		}
	}
	for _, d := range s.Config.Deploy.Databases {
		if s.Part.Runs(d) {
			all = append(all, named{"databases " + d.Name + ": url", d.URL}, named{"databases " + d.Name + ": review_url", d.ReviewURL})
		}
	}
	var given []named
	for _, n := range all {
		if !n.source.IsZero() {
			given = append(given, n)
		}
	}
	return given
}

// secrets reads each secret and forgets it.
func (s Site) secrets() []Result {
	t := topic{"secrets", ""}
	var results []Result
	readable, literal := 0, false
	seen := map[string]bool{}
	for _, n := range s.ours() {
		if _, err := n.source.Read(); err != nil {
			results = append(results, t.broken(fmt.Errorf("%s: %w", n.key, err), "it is read when it is used, and what needs it fails then"))
			continue
		}
		readable++
		path, isFile := strings.CutPrefix(n.source.String(), "file:")
		literal = literal || !isFile && !strings.HasPrefix(n.source.String(), "env:")
		if isFile && !seen[path] {
			seen[path] = true
			results = append(results, openFile(t, path)...)
		}
	}
	if literal {
		results = append(results, openFile(t, s.File)...)
	}
	return append([]Result{t.ok("%s can be read", console.Count(readable, "secret"))}, results...)
}

// openFile warns of a file with secrets that every account may read. A group's
// rights are left alone: that is how containers get theirs.
func openFile(t topic, path string) []Result {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return []Result{t.warning("%s is open to every account of this machine (mode %04o)", path, info.Mode().Perm()).
		because("it holds secrets, and who reads them can do all that ShipSQL can").fix("chmod o= " + path)}
}
