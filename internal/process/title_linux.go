package process

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// titleArea is the memory that the kernel shows as the command line: the
// arguments, and behind them the environment, of which Go has a copy.
var titleArea []byte

// OwnArguments makes [SetTitle] possible. It is called before anything has been
// taken from os.Args, which it gives a memory of its own.
func OwnArguments() {
	if titleArea != nil || len(os.Args) == 0 || os.Args[0] == "" {
		return
	}
	first := unsafe.StringData(os.Args[0])
	for i, arg := range os.Args {
		os.Args[i] = strings.Clone(arg)
	}
	if size := argumentSize(uintptr(unsafe.Pointer(first))); size > 0 {
		titleArea = unsafe.Slice((*byte)(first), size)
	}
}

// argumentSize is the length of the memory with arguments and environment, if
// it begins at start; else 0. See proc(5), /proc/pid/stat.
func argumentSize(start uintptr) uintptr {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	const argStart, argEnd, envStart, envEnd = 48 - 3, 49 - 3, 50 - 3, 51 - 3
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= envEnd {
		return 0
	}
	number := func(i int) uintptr {
		n, _ := strconv.ParseUint(string(fields[i]), 10, 64)
		return uintptr(n)
	}
	end := number(argEnd)
	if number(envStart) == end {
		end = number(envEnd)
	}
	if number(argStart) != start || end <= start {
		return 0
	}
	return end - start
}

// SetTitle changes what ps shows in place of the command line. A title for which
// there is no room is cut.
func SetTitle(title string) {
	if len(titleArea) == 0 {
		return
	}
	clear(titleArea)
	copy(titleArea[:len(titleArea)-1], title)
}

// Name returns the short name of the process: that of the file it was started
// from, cut to 15 bytes. Empty: unknown.
func Name() string {
	name, _ := os.ReadFile("/proc/self/comm")
	return strings.TrimSuffix(string(name), "\n")
}

// SetName changes the short name, which is what killall and pgrep look for.
func SetName(name string) error { return os.WriteFile("/proc/self/comm", []byte(name), 0) }
