package process

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetPriority sets the nice value of all threads of the process, now and later.
func SetPriority(nice int) error {
	err := forThreads(func(tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, nice) })
	if err == errNoThreads {
		_, _, errno := syscall.AllThreadsSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(nice))
		return failure(errno)
	}
	return err
}

// SetAffinity makes all threads of the process, now and later, run on the given
// CPUs only.
func SetAffinity(cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	err := forThreads(func(tid int) error { return unix.SchedSetaffinity(tid, &set) })
	if err == errNoThreads {
		_, _, errno := syscall.AllThreadsSyscall(unix.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
		return failure(errno)
	}
	return err
}

// errNoThreads means that there is no list of threads, because /proc is not
// mounted. In a program built without cgo there is another way.
var errNoThreads = errors.New("no list of threads")

// forThreads calls f with each thread. In Linux much of what belongs to a
// process belongs to its threads; new ones inherit it from the one that starts
// them.
func forThreads(f func(tid int) error) error {
	for done := map[string]bool{}; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return errNoThreads
		}
		before := len(done)
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil || done[t.Name()] {
				continue
			}
			done[t.Name()] = true
			if err := f(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
		// A thread may have been started by one that came later in the list.
		if len(done) == before {
			return nil
		}
	}
}

// mostFiles is how many files a process can have open at most (fs.nr_open).
func mostFiles() int64 {
	const usual = 1 << 20
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return usual
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return usual
	}
	return n
}
