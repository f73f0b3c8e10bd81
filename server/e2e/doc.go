// Package e2e holds the end-to-end tests: real processes of the program that are
// really killed, a real Postgres, real HTTP. Each test keeps one promise that the
// README makes.
package e2e
