// Package web holds the tests of the pages in a real browser: every page, as those who may see it, in a
// world of a primary and an edge. What it looks for errors of accessibility with, make installs.
package web
