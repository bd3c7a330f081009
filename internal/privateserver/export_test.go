package privateserver

import "context"

// Start starts a killed server as at first, when its port may be another's.
func (p *Postgres) Start(ctx context.Context) error { return p.private.start(ctx) }

// Start is that of MariaDB.
func (m *MariaDB) Start(ctx context.Context) error { return m.private.start(ctx) }

// Start is that of Redis.
func (r *Redis) Start(ctx context.Context) error { return r.private.start(ctx) }
