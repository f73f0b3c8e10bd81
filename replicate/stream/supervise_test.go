package stream

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAFolderOfAnyNameIsWell has a server on a folder whose name would be a pattern.
func TestAFolderOfAnyNameIsWell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a-b]*?")
	s := startServer(t, dir)
	openLog(t, connect(t, ConnOptions{Server: s}))
	var folder os.FileInfo
	if err := s.check(&folder); err != nil || folder == nil {
		t.Errorf("a healthy server is taken for ill: %v", err)
	}
}

// TestAFolderThatComesBackIsWrittenToAgain has one that is out of reach for a while, with
// the server's files open: a folder whose permissions were taken away and given back.
func TestAFolderThatComesBackIsWrittenToAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := startServer(t, filepath.Join(dir, "stream"))
	c := connect(t, ConnOptions{Server: s})
	publish(t, openLog(t, c), All, 3)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return s.Failed() != nil }) {
		t.Fatal("the folder is not missed")
	}
	if _, err := c.OpenLog(t.Context(), 1<<30); err == nil {
		t.Error("a log that cannot be kept was opened")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return s.Failed() == nil }) {
		t.Fatalf("it is there again, and still: %v", s.Failed())
	}
	log := openLog(t, c)
	if log.last != 3 {
		t.Errorf("the log ends at %d, want 3", log.last)
	}
	publish(t, log, All, 1)
}
