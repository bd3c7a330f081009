package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a reader that stands still until it is let go.
type stuck struct {
	bytes.Buffer

	letGo chan struct{}
}

func (s *stuck) Write(text []byte) (int, error) {
	<-s.letGo
	return s.Buffer.Write(text)
}

func TestProgressWaitsForNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{letGo: make(chan struct{})}
		r, want := newRelay(out), strings.Builder{}
		for n := range 1000 {
			if n == 500 {
				synctest.Wait() // the first half is on its way
			}
			line := fmt.Sprintf("line %d\n", n)
			want.WriteString(line)
			if _, err := r.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		close(out.letGo)
		r.Close()
		if out.String() != want.String() {
			t.Errorf("%d bytes came, want %d", out.Len(), want.Len())
		}
	})
}

func TestProgressComesBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newRelay(&out)
		defer r.Close()
		_, _ = r.Write([]byte("running"))
		time.Sleep(breath)
		synctest.Wait()
		if out.String() != "running" {
			t.Errorf("%q", out.String())
		}
	})
}
