// Package helmcheck checks charts/shipsql: it renders the chart with Helm's own
// engine, reads every manifest strictly with Kubernetes' own types, and validates
// the configuration inside with this repository's shipsql.
//
// It is a module of its own, so that neither Helm nor Kubernetes are among
// ShipSQL's dependencies. Run it by `make helm`.
package helmcheck
