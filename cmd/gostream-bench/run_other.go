//go:build !linux

package main

import (
	"fmt"
	"os"
)

func run([]string) int {
	fmt.Fprintln(os.Stderr, "gostream-bench: measuring needs Linux, as it reads /proc")
	return 1
}
