package e2e

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/forward"
)

// marker stands in for a secret that can be searched for.
const marker = "MARKER-e7c1a4-NEVER-LEAVES-POSTGRES"

// TestSecretsStayInPostgres searches everything that leaves Postgres: the replicas,
// the stream, a snapshot, the logs.
func TestSecretsStayInPostgres(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	var hash string
	conn := pgtest.Connect(t, w.url)
	if err := conn.QueryRow(t.Context(), "SELECT password_hash FROM user_credentials LIMIT 1").Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$") {
		t.Fatalf("unexpected hash %q", hash)
	}
	fra, syd := w.serve("fra"), w.serve("syd")
	// In the first copy, and again as a change that the slot carries.
	pgtest.Exec(t, w.url,
		"UPDATE user_credentials SET password_hash = '"+marker+"' WHERE user_id = (SELECT max(user_id) FROM user_credentials)",
		"UPDATE question_explanations SET text = '"+marker+"'",
	)
	learner := w.login("syd", "user1@example.com")
	e, a := learner.enroll(w.api("syd"), "passwords-and-passkeys")
	learner.get(enrollmentURL(w.api("syd"), e.ID), "Outpost-Position", a.position())

	snapshot := w.snapshot(t)
	needles := map[string][]byte{
		"the password hash": []byte(hash), "a hash's form": []byte("$argon2id$"), "the marker": []byte(marker),
		"the table of right answers": []byte("question_keys"), "the table of passwords": []byte("user_credentials"),
	}
	files := map[string][]byte{"the snapshot": snapshot, "the primary's log": []byte(fra.log.String()), "the edge's log": []byte(syd.log.String())}
	err := filepath.WalkDir(w.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(snapshot, []byte("user1@example.com")) {
		t.Error("the snapshot does not hold what it should: the search would find nothing in it")
	}
	for name, content := range files {
		for what, needle := range needles {
			if bytes.Contains(content, needle) {
				t.Errorf("%s holds %s", name, what)
			}
		}
	}
}

// snapshot downloads one as an edge does, and unpacks it.
func (w *world) snapshot(t *testing.T) []byte {
	t.Helper()
	const path = "/internal/snapshot"
	r, err := http.NewRequest(http.MethodGet, w.api("fra")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(forward.HeaderForwarded, "syd")
	r.Header.Set(forward.HeaderCluster, forward.Sign(clusterKey, forward.Claim{Method: http.MethodGet, Target: path, Region: "syd"}, time.Now()))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the snapshot: %s", response.Status)
	}
	reader, err := zstd.NewReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var b bytes.Buffer
	if _, err := reader.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSnapshotNeedsTheClusterKey asks as a stranger.
func TestSnapshotNeedsTheClusterKey(t *testing.T) {
	w := newWorld(t, []string{"fra"})
	w.serve("fra")
	for name, proof := range map[string]string{
		"nothing": "", "another key": forward.Sign("another key", forward.Claim{Method: http.MethodGet, Target: "/internal/snapshot", Region: "syd"}, time.Now()),
	} {
		r, err := http.NewRequest(http.MethodGet, w.api("fra")+"/internal/snapshot", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(forward.HeaderForwarded, "syd")
		r.Header.Set(forward.HeaderCluster, proof)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusNotFound {
			t.Errorf("with %s: %s", name, response.Status)
		}
	}
}
