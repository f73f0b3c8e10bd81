package collect

import (
	"math"
	"time"

	"github.com/prometheus/procfs"
)

// usage reads the CPU time of this process and of the machine, which is only known where there is a /proc.
type usage struct {
	fs          procfs.FS
	self        procfs.Proc
	at          time.Time
	k6, machine float64 // seconds used until then
}

func newUsage() (*usage, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, err
	}
	self, err := fs.Self()
	if err != nil {
		return nil, err
	}
	u := &usage{fs: fs, self: self, at: time.Now()}
	u.k6, u.machine = u.read()
	return u, nil
}

// since gives how many cores were busy since it was last asked.
func (u *usage) since(now time.Time) (k6, machine float64) {
	seconds := now.Sub(u.at).Seconds()
	lastK6, lastMachine := u.k6, u.machine
	u.at = now
	u.k6, u.machine = u.read()
	if seconds < 0.1 {
		return math.NaN(), math.NaN() // the kernel counts in hundredths of a second
	}
	return (u.k6 - lastK6) / seconds, (u.machine - lastMachine) / seconds
}

func (u *usage) read() (k6, machine float64) {
	k6, machine = math.NaN(), math.NaN()
	if stat, err := u.self.Stat(); err == nil {
		k6 = stat.CPUTime()
	}
	if stat, err := u.fs.Stat(); err == nil {
		c := stat.CPUTotal
		machine = c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	}
	return k6, machine
}
