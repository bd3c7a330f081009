package privateserver

import "syscall"

// Freeze stops the server's processes where they are: connections stay open, and
// nothing is answered until Thaw. A frozen server can be killed.
func (r *Redis) Freeze() error { return freeze(r.private) }

// Thaw lets a frozen server go on.
func (r *Redis) Thaw() error { return thaw(r.private) }

// Freeze stops the server's processes where they are: connections stay open, and
// nothing is answered until Thaw. A frozen server can be killed.
func (p *Postgres) Freeze() error { return freeze(p.private) }

// Thaw lets a frozen server go on.
func (p *Postgres) Thaw() error { return thaw(p.private) }

// Freeze stops the server where it is: connections stay open, and nothing is
// answered until Thaw. A frozen server can be killed.
func (m *mysqlServer) Freeze() error { return freeze(m.private) }

// Thaw lets a frozen server go on.
func (m *mysqlServer) Thaw() error { return thaw(m.private) }

// freeze stops the parent first, so that it makes no new children.
func freeze(s *server) error { return signalAll(s, syscall.SIGSTOP) }

func thaw(s *server) error { return signalAll(s, syscall.SIGCONT) }

func signalAll(s *server, signal syscall.Signal) error {
	if s == nil {
		return errGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(signal); err != nil {
		return err
	}
	for _, pid := range childrenOf(s.cmd.Process.Pid) {
		_ = syscall.Kill(pid, signal) // one that has just ended is frozen enough
	}
	return nil
}
