package privateserver

import "syscall"

// StopImmediately ends the server as `pg_ctl stop -m immediate` does: sessions
// are dropped, nothing is written, and the next start recovers. A given server is
// left alone and the call is an unsupported error.
func (p *Postgres) StopImmediately() error {
	if p.given != nil {
		return errGiven
	}
	p.private.abandon(syscall.SIGQUIT)
	return nil
}

// abandon ends the process by a signal that makes it drop everything.
func (s *server) abandon(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() {
		_ = s.cmd.Process.Signal(signal)
		<-s.exited
	}
}
