package serve_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// What a forge could not hand over while ShipSQL was down is taken in at the next
// start, and counted.
func TestWebhooksOfAnOutageAreRecovered(t *testing.T) {
	dir, listen := t.TempDir(), freeAddress(t)
	// A webhook of the last minute may still be under way.
	earlier := clock.NewFake(time.Now().Add(-2 * providers.UnderWay))
	forge := miniforge.New(miniforge.Options{WebhookURL: "http://" + listen + "/webhooks/forge", Clock: earlier})
	err := errors.Join(forge.Serve("127.0.0.1:0"), forge.AddUser(miniforge.User{Login: "ann"}),
		forge.AddRepo(miniforge.NewRepo{Name: "acme/one", Branch: "main", Files: map[string]string{"README.md": "one"}, Author: "ann"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forge.Close() })
	o, _ := optionsIn(t, dir, place{store: "sqlite:" + filepath.Join(dir, "shipsql.db"), listen: listen, forge: forge})
	address, stop := boot(t, o)
	waitForMetrics(t, address, `route="app/hook/deliveries",status="200"} 1`, `shipsql_deliveries_recovered_total{provider="forge"} 0`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	push := miniforge.Commit{Author: "ann", Message: "While nobody listens", Files: map[string]string{"README.md": "two"}}
	before := len(forge.Deliveries())
	if _, err := forge.Push("acme/one", "main", push); err != nil {
		t.Fatal(err)
	}
	if err := forge.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	address, _ = boot(t, o)
	waitForMetrics(t, address, fmt.Sprintf(`shipsql_deliveries_recovered_total{provider="forge"} %d`, len(forge.Deliveries())-before))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
