// Command k6 is k6 with one more output, which writes what a run found out as a JSON file, a page of
// Markdown and a page of HTML, here learner-1 or with the next number that is free:
//
//	.bin/k6 run --out outpost=bench/results/learner.json bench/load/learner.js
//
// `make .bin/k6` builds it. What the output takes from the environment stands in package collect.
package main

import (
	"go.k6.io/k6/v2/cmd"
	"go.k6.io/k6/v2/output"

	"outpost/bench/k6/collect"
)

func main() {
	output.RegisterExtension("outpost", collect.New)
	cmd.Execute()
}
