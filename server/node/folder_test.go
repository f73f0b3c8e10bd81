package node

import (
	"strings"
	"testing"
)

func TestOneNodePerFolder(t *testing.T) {
	path := t.TempDir()
	first, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(path); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "another outpost is using the data folder "+path) {
		t.Errorf("got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openFolder(path)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
