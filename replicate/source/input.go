package source

import (
	"bufio"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// inputBytes is how much is read from the network at once, at most.
	inputBytes = 256 << 10
	// largeBytes is how much of a transaction has come before reading it is paced.
	largeBytes = 64 << 10
)

// input is the network as the reader of a Stream sees it. Postgres sends each row by
// itself, however many there are, and to be woken for each costs several times what the
// row does. In the middle of a large transaction nobody waits for a single row, so there
// the reader lets some of them gather.
type input struct {
	network io.Reader
	before  func() // called before each read; nil for nothing
	large   int    // bytes that have come of the open transaction
}

// frontend is for pgconn.Config.BuildFrontend.
func (in *input) frontend(r io.Reader, w io.Writer) *pgproto3.Frontend {
	in.network = r
	return pgproto3.NewFrontend(bufio.NewReaderSize(in, inputBytes), w)
}

func (in *input) Read(b []byte) (int, error) {
	if in.before != nil {
		in.before()
	}
	if in.large > largeBytes {
		gather()
	}
	return in.network.Read(b)
}

// passed takes note of a message of the open transaction.
func (in *input) passed(message []byte) {
	in.large += len(message)
	if len(message) > 0 && message[0] == 'C' {
		in.large = 0
	}
}
