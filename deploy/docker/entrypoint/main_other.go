//go:build !unix

package main

// main has nothing to do where there are no such containers.
func main() {}
