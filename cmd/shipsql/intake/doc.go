// Package intake holds no code of the product: its tests send webhooks to whole
// nodes at the rate of a large organisation, and prove that each was handled once.
//
//	a forge's deliveries: twice, out of order, some forged
//	        │ 500 a second
//	        ▼
//	2 web ──▶ store (PostgreSQL) ◀── worker ──▶ forge (in process)
//	  └────▶ Redis ◀───────────────────┘
//
// Every node is this test's binary, started again to play `shipsql serve`. One
// test counts what came of the deliveries and prints how long their answers took,
// the other measures the most that the intake takes beside a bare handler, in
// turns. `make test` sends a tenth of what SHIPSQL_TORTURE=1 does.
package intake
