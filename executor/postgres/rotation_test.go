package postgres_test

import (
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/internal/secret"
)

// The password is rotated after the URL was read and before the login: the door
// does that when the first caller comes.
func TestAPasswordThatIsRotatedBeforeTheLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name, before := b.Login()
	b.Exec("alter role " + name + " password 'another'")
	path := filepath.Join(t.TempDir(), "url")
	write := func(url string) {
		if err := os.WriteFile(path, []byte(url), 0o600); err != nil {
			t.Error(err)
		}
	}
	write(doorTo(t, before, func() { write(b.As(name, "another")) }))
	if _, err := postgres.New(parser).Open(secret.Parse("file:"+path, "")).Catalog(t.Context()); err != nil {
		t.Errorf("with the new password at hand: %v", err)
	}
}

// doorTo is a URL by which a server is reached after knock was called.
func doorTo(t *testing.T, serverURL string, knock func()) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = door.Close() })
	server := u.Host
	go func() {
		for {
			outside, err := door.Accept()
			if err != nil {
				return
			}
			knock()
			inside, err := net.Dial("tcp", server)
			if err != nil {
				_ = outside.Close()
				continue
			}
			go func() { _, _ = io.Copy(inside, outside); _ = inside.Close() }()
			go func() { _, _ = io.Copy(outside, inside); _ = outside.Close() }()
		}
	}()
	u.Host = door.Addr().String()
	return u.String()
}
