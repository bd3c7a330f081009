package bot_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// A forge that refuses the app's credentials for a moment costs seconds. (Found by
// cmd/shipsql/torture, where a pull request waited ten minutes for its check.)
func TestAMomentOfRefusedCredentials(t *testing.T) {
	w := bottest.New(t, bottest.Options{})
	works := w.Forge.Fail(miniforge.Match{}, miniforge.Fault{Status: http.StatusUnauthorized})
	n := w.Open("a", map[string]string{"migrations/1_a.sql": "CREATE TABLE a (id bigint PRIMARY KEY);\n"})
	works()
	w.Clock.Skip(6 * time.Second)
	w.Until("the check is written", func() bool { return w.Check(n) != "" })
}
