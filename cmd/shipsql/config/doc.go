// Package config reads shipsql.yaml, the operator's one file: the sum of the
// rooms' own configurations (DESIGN §5).
//
// The file's shape is described once, by the tagged structs of shape.go. Three
// things follow from that description: the strict decoder (decode.go), the
// published JSON Schema (schema.go) and the key reference in
// docs/configuration.md (reference.go).
//
// Loading goes through four steps, and only the last has a [File] to give:
//
//	parse   text → YAML nodes                    one error ends it: nothing can be read
//	decode  nodes → shape, every place kept      unknown keys, wrong types, not supported yet
//	check   what no single value shows           references, duplicates, gates that can't open
//	build   shape → the rooms' own structs       only when nothing was found
//
// All problems are reported at once, each with line, column and what to do.
// Secrets are references ([secret.Source]) and stay unread here, so that a
// process boots without the passwords of databases it never talks to. Which those
// are follows from its [Part]: the role, and the pools whose jobs it runs.
package config
