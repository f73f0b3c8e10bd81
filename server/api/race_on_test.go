//go:build race

package api

// raceDetector allocates by itself.
const raceDetector = true
