package privateserver

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
)

// StartStandby copies the server and starts the copy as a hot standby that
// follows it: it answers reads, and takes no changes. It has the same logins.
func (p *Postgres) StartStandby(ctx context.Context) (*Postgres, error) {
	if p.given != nil {
		return nil, errGiven
	}
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "PostgreSQL", false, "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	s.password = p.private.password // copied with everything else
	standby := &Postgres{private: s}
	s.command = func() *exec.Cmd { return exec.Command(filepath.Join(bin, "postgres"), standby.arguments(Options{})...) }
	s.ping = standby.ping
	err = runAs(ctx, s.account, filepath.Join(bin, "pg_basebackup"), "--host="+p.private.home, "--port="+strconv.Itoa(p.private.port),
		"--username="+superuser, "--pgdata="+s.path("data"), "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf")
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return standby, nil
}

// OwnStandby is a standby of the server for this test alone; it ends with the
// test.
func OwnStandby(tb TB, of *Postgres) *Postgres {
	tb.Helper()
	standby, err := of.StartStandby(context.Background())
	if err != nil {
		tb.Fatalf("standby of PostgreSQL: %v", err)
	}
	tb.Cleanup(func() { stopAfter(tb, standby.Stop) })
	return standby
}
