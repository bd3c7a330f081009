package snapshot

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/fault"
)

// Read returns what conn's database holds. System schemas and ShipSQL's own
// schema are left out. It reads in one repeatable-read, read-only transaction
// and takes no lock stronger than ACCESS SHARE on the system's catalogs.
func Read(ctx context.Context, conn *pgx.Conn) (*catalog.Catalog, error) {
	return nil, fault.New(fault.Unsupported, "the catalog is not read yet")
}
