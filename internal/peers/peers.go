// Package peers has the real goose and golang-migrate at hand, for tests that
// prove what they make of a database that ShipSQL has worked on. They are built
// once per version by scripts/peers, into the user's cache folder.
package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Goose is the path of the real goose.
func Goose(tb TB) string {
	tb.Helper()
	return filepath.Join(installed(tb), "goose")
}

// GolangMigrate is the path of the real golang-migrate.
func GolangMigrate(tb TB) string {
	tb.Helper()
	return filepath.Join(installed(tb), "migrate")
}

// installed is the folder of both. Building takes half a minute the first time;
// several processes may ask at once.
func installed(tb TB) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "shipsql-peers")
	if out, err := exec.Command(script(tb), dir).CombinedOutput(); err != nil {
		tb.Fatalf("scripts/peers: %v\n%s", err, out)
	}
	return dir
}

// script is scripts/peers of this module.
func script(tb TB) string {
	tb.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		tb.Fatalf("go list -m: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "scripts", "peers")
}
