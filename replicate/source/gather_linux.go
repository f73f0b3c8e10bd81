package source

import (
	"syscall"
	"time"
)

// gathering is how long a read waits for company. A Stream's window fills within some
// hundred rows, and then Postgres waits too, so it must not be much longer.
const gathering = 100 * time.Microsecond

// gather waits. The runtime's own timers are ten times as coarse.
func gather() {
	ts := syscall.NsecToTimespec(int64(gathering))
	_ = syscall.Nanosleep(&ts, nil) // one that a signal cut short is as good
}
