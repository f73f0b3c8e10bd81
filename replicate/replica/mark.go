package replica

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// A replica's file is whole only together with its write-ahead log: while a checkpoint
// moves pages from one to the other, and after a crash in the middle of it, the file alone
// is a mixture of states that no check of its structure need betray; and a log that lost
// its end would lay old pages over the newer ones in the file. SQLite takes whatever log it
// finds, or none. So a mark beside the file says, durably, how much of the log the file
// may contain: "moving" from before a checkpoint until it has ended, "whole" from then
// on. Opening then finds a state that is older than the mark, or a checkpoint that was
// cut off and whose log is gone; see check.
//
// Closing, which empties the log, removes the mark: without one the file stands for
// itself. A log that was lost where the mark says "whole" costs the newest transactions,
// as a power cut may, and leaves a committed state, which is followed on.
const markSuffix = ".checkpoint"

type phase string

const (
	moving phase = "moving"
	whole  phase = "whole"
)

// markFormat has a fixed length, below a disk's sector: written in place, it is the old or
// the new one after a power cut, and needs no room on a disk that is full.
const markFormat = "%-8s incarnation %20d sequence %20d\n"

// errLogLost says that the file needs a log that is not there.
var errLogLost = fmt.Errorf("%w: its write-ahead log is lost, or a part of it", errDamaged)

// mark is the open file. A file that is not in a replica's place has none: nil.
type mark struct {
	file  *os.File
	phase phase // "" where it says nothing
	at    State // of which only the incarnation and the sequence are known
}

func openMark(path string) (_ *mark, err error) {
	file, err := os.OpenFile(path+markSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the mark of the replica's checkpoints: %w", err)
	}
	m := &mark{file: file}
	text, err := io.ReadAll(io.LimitReader(file, 512))
	if err == nil && len(bytes.Trim(text, "\x00 ")) > 0 {
		err = m.parse(string(text))
	} else if err == nil { // it is new, and takes its room now
		_, err = file.WriteAt(bytes.Repeat([]byte(" "), len(m.text())), 0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return m, nil
}

func (m *mark) parse(text string) error {
	// What cannot be read, or is not what was written, may hide either phase.
	_, err := fmt.Sscanf(text, "%s incarnation %d sequence %d", &m.phase, &m.at.Incarnation, &m.at.Seq)
	if err != nil || m.phase != moving && m.phase != whole || text != m.text() {
		return fmt.Errorf("%w: the mark of its checkpoints cannot be read", errDamaged)
	}
	return nil
}

func (m *mark) text() string { return fmt.Sprintf(markFormat, m.phase, m.at.Incarnation, m.at.Seq) }

// write says durably what the file may contain.
func (m *mark) write(p phase, at State) error {
	if m == nil {
		return nil
	}
	m.phase, m.at = p, at
	_, err := m.file.WriteAt([]byte(m.text()), 0)
	if err = errors.Join(err, m.file.Sync()); err != nil {
		return fmt.Errorf("marking a checkpoint of the replica: %w", err)
	}
	return nil
}

// close removes the mark, if the file needs none.
func (m *mark) close(path string, needless bool) error {
	if m == nil {
		return nil
	}
	err := m.file.Close()
	if needless {
		err = errors.Join(err, removeFile(path+markSuffix))
	}
	return err
}

// older says whether a state was committed before another one of the same file.
func (s State) older(than State) bool {
	return s.Incarnation < than.Incarnation || s.Incarnation == than.Incarnation && s.Seq < than.Seq
}
