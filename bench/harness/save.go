package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Save writes a report beside those of earlier runs, and gives its path.
func Save(folder, driver string, began time.Time, commit, text string) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("keeping the report: %w", err)
	}
	for n := 1; ; n++ {
		path := filepath.Join(folder, fmt.Sprintf("%s-%s-%s-%d.txt", driver, began.UTC().Format(time.DateOnly), commit, n))
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("keeping the report: %w", err)
		}
		_, err = file.WriteString(text)
		return path, errors.Join(err, file.Close())
	}
}
