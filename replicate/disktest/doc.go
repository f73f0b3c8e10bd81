// Package disktest gives a test a small disk of its own, which can be filled and made
// read-only. It exists on Linux alone.
package disktest
