package follow

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// TestUnpackingWhatIsHereIsNoSilence goes on with a download whose first part takes longer to
// unpack than the primary may be silent.
func TestUnpackingWhatIsHereIsNoSilence(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, 128<<20)
	const rest = 4 << 20 // of it is still to come, and more than what a connection has read ahead
	if _, err := rand.Read(plain[len(plain)-rest:]); err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll(plain, nil)
	dir := t.TempDir()
	began := time.Now() // a slow machine also answers slowly
	if err := decompress(bytes.NewReader(packed), filepath.Join(dir, "all.db")); err != nil {
		t.Fatal(err)
	}
	silence := time.Since(began) / 3
	sum := sha256.Sum256(packed)
	tag := hex.EncodeToString(sum[:])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+tag+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed))
	}))
	t.Cleanup(server.Close)

	part := filepath.Join(dir, "snapshot.part")
	for path, content := range map[string][]byte{part: packed[:len(packed)-rest], part + ".etag": []byte(tag)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir, Silence: silence}
	if err := s.download(t.Context(), part, filepath.Join(dir, "snapshot.db")); err != nil {
		t.Error(err)
	}
}
