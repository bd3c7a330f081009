package faultproxy

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// When is the moment of a cut, seen from the chunk that triggers it.
type When int

// The moments.
const (
	Before When = iota
	During
	After
	Hole
)

// Cut says which chunk of a client breaks its connection, and when. It happens
// once.
type Cut struct {
	When When
	// Match picks the chunk by its number, counted from 1 over all connections,
	// and its bytes.
	Match func(n int, chunk []byte) bool
	// For is how long a Hole lasts.
	For time.Duration
}

// Proxy forwards connections to one server. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	upstream string
	links    sync.WaitGroup

	mu     sync.Mutex
	armed  *Cut
	chunks int
	open   map[*link]struct{}
	closed bool
}

// Start listens on a free loopback port and forwards to the server's address.
func Start(upstream string) (*Proxy, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, upstream: upstream, open: map[*link]struct{}{}}
	p.links.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Arm sets the next cut and starts counting chunks anew; nil disarms.
func (p *Proxy) Arm(c *Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.chunks = c, 0
}

// Armed says that the cut has not happened yet.
func (p *Proxy) Armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.armed != nil
}

// Disarm takes the cut back. It says whether it was too late: the cut happened.
func (p *Proxy) Disarm() (happened bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	happened = p.armed == nil
	p.armed = nil
	return happened
}

// Chunks returns how many chunks clients sent since Arm.
func (p *Proxy) Chunks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.chunks
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.open {
		l.sever()
	}
	p.mu.Unlock()
	p.links.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		var dialer net.Dialer
		server, err := dialer.DialContext(context.Background(), "tcp", p.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{proxy: p, client: client, server: server}
		p.mu.Lock()
		if p.closed {
			l.sever()
		}
		p.open[l] = struct{}{}
		p.mu.Unlock()
		p.links.Go(l.upstream)
		p.links.Go(l.downstream)
	}
}

// count registers a chunk and returns the cut if it is the one.
func (p *Proxy) count(chunk []byte) *Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chunks++
	if p.armed == nil || !p.armed.Match(p.chunks, chunk) {
		return nil
	}
	cut := p.armed
	p.armed = nil
	return cut
}

// link is one connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn

	mu   sync.Mutex
	mute bool // the next answer ends the link
	hole bool // nothing passes any more
}

func (l *link) sever() {
	_ = l.client.Close()
	_ = l.server.Close()
}

func (l *link) end() {
	l.sever()
	l.proxy.mu.Lock()
	delete(l.proxy.open, l)
	l.proxy.mu.Unlock()
}

// upstream carries the client's chunks to the server.
func (l *link) upstream() {
	defer l.end()
	buffer := make([]byte, 1<<20)
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		cut := l.proxy.count(buffer[:n])
		if cut != nil && cut.When == Before {
			return
		}
		if cut != nil && cut.When == After {
			l.setMute()
		}
		if cut != nil && cut.When == Hole {
			l.swallow(cut.For)
			return
		}
		if _, err := l.server.Write(buffer[:n]); err != nil || cut != nil && cut.When == During {
			return
		}
	}
}

// downstream carries the server's answers to the client.
func (l *link) downstream() {
	defer l.end()
	buffer := make([]byte, 1<<20)
	for {
		n, err := l.server.Read(buffer)
		if err != nil || l.muted() {
			return
		}
		if l.swallowed() {
			continue
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// swallow takes what the client sends and lets nothing pass, until the link is
// broken, by either side or after the given time.
func (l *link) swallow(d time.Duration) {
	l.mu.Lock()
	l.hole = true
	l.mu.Unlock()
	end := time.AfterFunc(d, l.sever)
	defer end.Stop()
	_, _ = io.Copy(io.Discard, l.client)
}

func (l *link) swallowed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hole
}

func (l *link) setMute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = true
}

func (l *link) muted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mute
}
