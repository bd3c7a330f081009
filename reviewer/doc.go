// Package reviewer says what SQL would do to a database that exists, and what
// is wrong with it: SQL in, findings out. It does no I/O but to the parser's
// processes.
//
// A review goes through four hands:
//
//	source.go   a file becomes statements; what is no text at all is a finding
//	postgres/   each statement is judged against the schema as it is at that
//	            point, then simulated (facts, whatever the policy)
//	parsed.go   MySQL and MariaDB, which have no rules yet: statements are only
//	            parsed, and the basis says so
//	court.go    policy, the server's floor, waivers and directives decide what
//	            is reported and how grave it is
//	report.go   the JSON contract; text.go the same for people
//
// Who may soften what: the repository's policy (read from the base branch) sets
// severities and silences old files; the server's floor stands above it; a file
// silences only notices, warnings and what the policy lets it; an error is
// waived by a person, unless the executor would refuse the file anyway.
package reviewer
