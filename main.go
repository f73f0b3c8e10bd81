// Outpost is a backend of security-awareness courses that answers reads in every
// region from a local replica and sends writes home. README.md tells more.
package main

import (
	"os"

	"outpost/server/cli"
)

// version is set by the linker where an image is built.
var version string

func main() { os.Exit(cli.Run(version, os.Args[1:], os.Stdout, os.Stderr)) }
