package collect

import (
	"math"
	"time"

	"github.com/prometheus/procfs"
)

// usage reads the CPU time of this process and of the machine, which is only known where there is a /proc.
type usage struct {
	fs   procfs.FS
	self procfs.Proc
	at   time.Time
	used used // until then, in seconds
}

// used is CPU time, or what of it came in each second. What other guests of the same host took from the machine
// is none of its own.
type used struct{ k6, machine, stolen float64 }

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
	u.used = u.read()
	return u, nil
}

// since gives how many cores were busy since it was last asked.
func (u *usage) since(now time.Time) used {
	seconds, last := now.Sub(u.at).Seconds(), u.used
	u.at, u.used = now, u.read()
	if seconds < 0.1 {
		seconds = math.NaN() // the kernel counts in hundredths of a second
	}
	return used{
		k6: (u.used.k6 - last.k6) / seconds, machine: (u.used.machine - last.machine) / seconds,
		stolen: (u.used.stolen - last.stolen) / seconds,
	}
}

func (u *usage) read() used {
	all := unread()
	if stat, err := u.self.Stat(); err == nil {
		all.k6 = stat.CPUTime()
	}
	if stat, err := u.fs.Stat(); err == nil {
		c := stat.CPUTotal
		all.machine, all.stolen = c.User+c.Nice+c.System+c.IRQ+c.SoftIRQ, c.Steal
	}
	return all
}

func unread() used { return used{math.NaN(), math.NaN(), math.NaN()} }
