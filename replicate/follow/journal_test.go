package follow

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"outpost/replicate/replica"
)

// TestAnInterruptedInstallLeavesNothingBehind crashes while a snapshot is made ready: its
// log is left beside it, and must not be played into the next snapshot.
func TestAnInterruptedInstallLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	objects := []replica.Object{{Name: "note_text", SQL: "CREATE INDEX note_text ON note (text)"}}

	// What a kill -9 leaves: the log of an older snapshot, with its new index in it.
	older := filepath.Join(t.TempDir(), "older.db")
	fill(t, older, at(1, 10, 10), 4000, "older")
	open(t, replica.Options{Path: older, Log: quiet(), Objects: objects})
	log, err := os.ReadFile(older + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatalf("no log to leave behind: %d bytes, %v", len(log), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "snapshot.db-wal"), log, 0o600); err != nil {
		t.Fatal(err)
	}

	newer := filepath.Join(t.TempDir(), "newer.db")
	fill(t, newer, at(1, 20, 20), 4000, "newer")
	server := serve(t, newer)
	r := open(t, replica.Options{Path: filepath.Join(dir, "replica.db"), Log: quiet(), Objects: objects})
	s := &Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir}
	if err := s.Install(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	err = r.Read(t.Context(), func(v replica.View) error {
		var n int
		if err := v.Tx.QueryRow("SELECT count(*) FROM note WHERE text = 'newer'").Scan(&n); err != nil {
			return err
		}
		var sound string
		if err := v.Tx.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil {
			return err
		}
		if n != 4000 || sound != "ok" {
			t.Errorf("%d of 4000 rows are found by the index; the file's structure: %s", n, sound)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// serve hands out a file as the hub does.
func serve(t *testing.T, path string) *httptest.Server {
	t.Helper()
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll(plain, nil)
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(packed)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		if _, err := w.Write(packed); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}
