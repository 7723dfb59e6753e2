package process

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// SetPriority sets the nice value of all threads of the process, now and later.
func SetPriority(nice int) error {
	return forThreads(func(tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, nice) })
}

// SetAffinity makes all threads of the process, now and later, run on the given
// CPUs only.
func SetAffinity(cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return forThreads(func(tid int) error { return unix.SchedSetaffinity(tid, &set) })
}

// forThreads calls f with each thread. In Linux much of what belongs to a
// process belongs to its threads; new ones inherit it from the one that starts
// them.
func forThreads(f func(tid int) error) error {
	for done := map[string]bool{}; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
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
