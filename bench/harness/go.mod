module outpost/bench/harness

go 1.26.0
