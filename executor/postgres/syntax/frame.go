package syntax

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// The wire between parser and worker. A request is a mode byte, the number of
// statements, and each as length and bytes. The worker reads it whole, then
// answers with one frame a statement: kind, cursor position, length, bytes.
// Numbers are big-endian uint32.

type mode byte

const (
	fast    mode = iota // answers are buffered
	careful             // every answer is flushed before the next statement is begun
)

type answerKind byte

const (
	answerTree  answerKind = iota // the bytes are a protobuf ParseResult
	answerError                   // the bytes are a message
)

// maxAnswer bounds one answer; a larger tree is answered as TooLarge.
const maxAnswer = 64 << 20

// maxRequest bounds what a worker reads.
const maxRequest = 64 << 20

var errFrame = errors.New("malformed frame from the other side")

type answer struct {
	kind   answerKind
	cursor int // 1-based, in characters; 0 unknown
	body   []byte
}

func writeRequest(w *bufio.Writer, m mode, statements []string) error {
	_ = w.WriteByte(byte(m)) // bufio keeps the first error for Flush
	writeUint32(w, len(statements))
	for _, s := range statements {
		writeUint32(w, len(s))
		_, _ = w.WriteString(s)
	}
	return w.Flush()
}

func readRequest(r *bufio.Reader) (mode, []string, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := readUint32(r, maxRequest)
	if err != nil {
		return 0, nil, err
	}
	statements := make([]string, 0, min(n, 1024))
	for range n {
		body, err := readBytes(r, maxRequest)
		if err != nil {
			return 0, nil, err
		}
		statements = append(statements, string(body))
	}
	return mode(first), statements, nil
}

func writeAnswer(w *bufio.Writer, a answer) {
	_ = w.WriteByte(byte(a.kind))
	writeUint32(w, a.cursor)
	writeUint32(w, len(a.body))
	_, _ = w.Write(a.body)
}

func readAnswer(r *bufio.Reader) (answer, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return answer{}, err
	}
	cursor, err := readUint32(r, maxRequest)
	if err != nil {
		return answer{}, err
	}
	body, err := readBytes(r, maxAnswer)
	return answer{answerKind(kind), cursor, body}, err
}

func writeUint32(w *bufio.Writer, n int) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	_, _ = w.Write(b[:])
}

func readUint32(r *bufio.Reader, limit int) (int, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	if n := binary.BigEndian.Uint32(b[:]); n <= uint32(limit) {
		return int(n), nil
	}
	return 0, errFrame
}

func readBytes(r *bufio.Reader, limit int) ([]byte, error) {
	n, err := readUint32(r, limit)
	if err != nil {
		return nil, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(r, body)
	return body, err
}
