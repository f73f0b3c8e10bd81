package pgcluster

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// oldest is the first major version that publishes what replication here relies on.
const oldest = 15

// binaries is one installation of Postgres' server programs.
type binaries struct {
	folder string
	major  int
}

func (b binaries) path(program string) string { return filepath.Join(b.folder, program) }

// findBinaries looks in PATH, then where Debian and Homebrew put their versions,
// newest first. A folder that exists already (major > 0) needs its own version.
func findBinaries(major int) (binaries, error) {
	found := installations(candidates())
	for _, b := range found {
		if major == 0 || b.major == major {
			return b, nil
		}
	}
	if major == 0 {
		return binaries{}, fmt.Errorf(
			"no Postgres server programs (initdb, postgres) of version %d or newer in PATH, /usr/lib/postgresql or Homebrew: "+
				"install them (Debian: apt-get install postgresql, macOS: brew install postgresql@17)", oldest)
	}
	return binaries{}, fmt.Errorf(
		"the data was made by Postgres %d, whose server programs are not installed: install that version, or delete the folder", major)
}

func candidates() []string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/opt/postgresql/bin",
		"/usr/local/opt/postgresql/bin",
		"/usr/pgsql-*/bin",
	} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue // only a malformed pattern; these are constants
		}
		slices.SortFunc(matches, func(a, b string) int { return cmp.Compare(lastNumber(b), lastNumber(a)) })
		folders = append(folders, matches...)
	}
	return folders
}

func lastNumber(path string) int {
	numbers := regexp.MustCompile(`\d+`).FindAllString(path, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil {
		return 0
	}
	return n
}

func installations(folders []string) []binaries {
	var found []binaries
	for _, folder := range folders {
		// PATH may hold links to single programs; the installation is where they lead.
		postgres, err := filepath.EvalSymlinks(filepath.Join(folder, "postgres"))
		if err != nil {
			continue
		}
		b := binaries{folder: filepath.Dir(postgres)}
		if _, err := exec.LookPath(b.path("initdb")); err != nil {
			continue
		}
		if slices.ContainsFunc(found, func(o binaries) bool { return o.folder == b.folder }) {
			continue
		}
		if b.major = version(postgres); b.major >= oldest {
			found = append(found, b)
		}
	}
	return found
}

// version gives the major version, 0 when the program does not run.
func version(postgres string) int {
	out, err := exec.Command(postgres, "--version").Output()
	if err != nil {
		return 0
	}
	match := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return 0
	}
	return n
}
