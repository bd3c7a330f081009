package store

import (
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// wire is a connection to the server on which no read or write takes longer than
// its patience. The server ends every statement at statement_timeout; when no
// word comes even after that, server or network are gone without having said so.
type wire struct {
	net.Conn

	mu       sync.Mutex    // pgx reads in the background while a write is slow
	patience time.Duration // 0: without end
	theirs   time.Time     // pgx's own deadline, with which it ends a read; zero if none
}

func wireOf(conn *pgconn.PgConn) *wire {
	w, ok := conn.Conn().(*wire)
	if !ok { // AfterNetConnect has wrapped it
		return &wire{Conn: conn.Conn()}
	}
	return w
}

// bear sets the patience.
func (w *wire) bear(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience = patience
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	if err := w.limit(); err != nil {
		return 0, err
	}
	return w.Conn.Read(b)
}

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	if err := w.limit(); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

// limit starts the patience anew, where pgx has set no deadline.
func (w *wire) limit() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.patience == 0 || !w.theirs.IsZero() {
		return nil
	}
	return w.Conn.SetDeadline(time.Now().Add(w.patience))
}

// SetDeadline implements net.Conn.
func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.theirs = t
	return w.Conn.SetDeadline(t)
}

// spoken says that the server has something to say that nobody asked for: most
// likely that it ended the connection. It costs no round trip.
func (w *wire) spoken() bool {
	conn := w.Conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true // can't look, so ask
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	waiting := true
	err = raw.Control(func(fd uintptr) {
		_, _, peek := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waiting = peek != syscall.EAGAIN && peek != syscall.EINTR
	})
	return waiting || err != nil
}
