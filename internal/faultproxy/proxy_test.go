package faultproxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shipsql/shipsql/internal/faultproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that answers each line and tells what it saw.
func echo(t *testing.T) (addr string, seen <-chan string) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	lines := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				for in := bufio.NewScanner(conn); in.Scan(); {
					lines <- in.Text()
					fmt.Fprintln(conn, "got "+in.Text())
				}
				lines <- "end"
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String(), lines
}

func TestCuts(t *testing.T) {
	for when, want := range map[faultproxy.When][]string{
		faultproxy.Before: {"one", "end"},
		faultproxy.During: {"one", "two", "end"},
		faultproxy.After:  {"one", "two", "end"},
		faultproxy.Hole:   {"one", "end"},
	} {
		t.Run(fmt.Sprint(when), func(t *testing.T) {
			addr, seen := echo(t)
			p, err := faultproxy.Start(addr)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			p.Arm(&faultproxy.Cut{When: when, For: 10 * time.Millisecond, Match: func(n int, chunk []byte) bool { return n == 2 && bytes.Contains(chunk, []byte("two")) }})
			client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			in := bufio.NewReader(client)
			fmt.Fprintln(client, "one")
			if line, err := in.ReadString('\n'); line != "got one\n" {
				t.Fatalf("%q, %v", line, err)
			}
			fmt.Fprintln(client, "two")
			if line, err := in.ReadString('\n'); err == nil {
				t.Errorf("the client got %q after the cut", line)
			}
			for _, w := range want {
				if got := <-seen; got != w {
					t.Errorf("the server saw %q, want %q", got, w)
				}
			}
			if p.Armed() || p.Chunks() != 2 {
				t.Errorf("armed %t after %d chunks", p.Armed(), p.Chunks())
			}
		})
	}
}

func TestDisarm(t *testing.T) {
	addr, _ := echo(t)
	p, err := faultproxy.Start(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Arm(&faultproxy.Cut{Match: func(int, []byte) bool { return true }})
	if p.Disarm() {
		t.Error("a cut that was taken back is said to have happened")
	}
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	in := bufio.NewReader(client)
	fmt.Fprintln(client, "one")
	if line, err := in.ReadString('\n'); line != "got one\n" {
		t.Fatalf("disarmed, and yet %q, %v", line, err)
	}
	p.Arm(&faultproxy.Cut{Match: func(int, []byte) bool { return true }})
	fmt.Fprintln(client, "two")
	if line, err := in.ReadString('\n'); err == nil {
		t.Fatalf("armed, and yet %q", line)
	}
	if !p.Disarm() {
		t.Error("a cut that happened is said to have been taken back")
	}
}
