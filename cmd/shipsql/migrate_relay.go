package main

import (
	"io"
	"sync"
	"time"
)

// breath is how long text is gathered before it is passed on.
const breath = 20 * time.Millisecond

// relay passes text on in the background: a reader that is slow, or stands still,
// holds up no transaction and its locks. Many may write at once.
type relay struct {
	out   io.Writer
	news  chan struct{} // holds one when there is text
	ended chan struct{} // closed by Close
	done  chan struct{} // closed when all is passed on

	mu   sync.Mutex
	text []byte
}

func newRelay(out io.Writer) *relay {
	r := &relay{out: out, news: make(chan struct{}, 1), ended: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Write implements io.Writer. It never fails.
func (r *relay) Write(text []byte) (int, error) {
	r.mu.Lock()
	r.text = append(r.text, text...)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	return len(text), nil
}

// Close returns when all was passed on.
func (r *relay) Close() {
	close(r.ended)
	<-r.done
}

func (r *relay) run() {
	defer close(r.done)
	for open := true; open; r.pass() {
		select {
		case <-r.news:
			select {
			case <-time.After(breath):
			case <-r.ended:
			}
		case <-r.ended:
			open = false
		}
	}
}

func (r *relay) pass() {
	r.mu.Lock()
	text := r.text
	r.text = nil
	r.mu.Unlock()
	if len(text) > 0 {
		_, _ = r.out.Write(text) // progress that nobody reads is no reason to fail
	}
}
