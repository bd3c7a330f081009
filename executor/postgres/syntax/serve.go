package syntax

import (
	"bufio"
	"errors"
	"os"
	"os/signal"
	"strconv"

	"github.com/pganalyze/pg_query_go/v6/parser"
)

// workerEnv tells a process that it is a parser worker; its value is the bytes
// it may map beyond what it starts with.
const workerEnv = "SHIPSQL_SYNTAX_WORKER"

// beforeParse is where tests make a worker misbehave.
var beforeParse = func(string) {}

// MaybeWorker serves as a parser worker and exits the process, if that is what
// the process was started for; otherwise it returns at once. Call it first of all.
func MaybeWorker() {
	memory, ok := os.LookupEnv(workerEnv)
	if !ok {
		return
	}
	bytes, err := strconv.ParseUint(memory, 10, 64)
	if err != nil || limitMemory(bytes) != nil {
		os.Exit(1)
	}
	dropStart()
	signal.Ignore(os.Interrupt) // a terminal's Ctrl-C is the parent's to answer
	serve(bufio.NewReader(os.Stdin), bufio.NewWriterSize(os.Stdout, 1<<16))
	os.Exit(0)
}

// serve answers requests until the parent closes the pipe.
func serve(in *bufio.Reader, out *bufio.Writer) {
	for {
		m, statements, err := readRequest(in)
		if err != nil {
			return
		}
		for _, s := range statements {
			writeAnswer(out, parse(s))
			if m == careful && out.Flush() != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
	}
}

func parse(sql string) answer {
	beforeParse(sql)
	tree, err := parser.ParseToProtobuf(sql)
	var failure *parser.Error
	switch {
	case errors.As(err, &failure):
		return answer{answerError, max(failure.Cursorpos, 0), []byte(failure.Message)}
	case err != nil:
		return answer{kind: answerError, body: []byte(err.Error())}
	case len(tree) > maxAnswer:
		return answer{kind: answerError, body: []byte(outOfMemory)}
	}
	return answer{kind: answerTree, body: tree}
}
