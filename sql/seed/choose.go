package seed

import (
	"math"
	"math/rand/v2"
)

// choose gives one of a list.
func choose[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// chance is true in percent of a hundred cases.
func chance(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }

// happens is true with probability p, where that is worked out.
func happens(rng *rand.Rand, p float64) bool { return rng.Float64() < p }

// odds gives the probability whose log odds are x: traits add up in x, and p stays between 0 and 1.
func odds(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logOdds is the opposite of odds.
func logOdds(p float64) float64 { return math.Log(p / (1 - p)) }
