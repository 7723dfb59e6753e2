package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// stat is what is used of /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration // user and system time
}

// tick is the unit of times in /proc: USER_HZ is 100 wherever Go runs.
const tick = 10 * time.Millisecond

// parseStat reads the fields behind the program's name, which may contain
// anything, blanks and parentheses included.
func parseStat(text []byte) (stat, error) {
	i := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[i+1:]))
	if i < 0 || len(fields) < 13 {
		return stat{}, fmt.Errorf("unexpected process status %q", text)
	}
	parent, err1 := strconv.Atoi(fields[1])
	user, err2 := strconv.Atoi(fields[11])
	system, err3 := strconv.Atoi(fields[12])
	return stat{parent, time.Duration(user+system) * tick}, errors.Join(err1, err2, err3)
}

// tree returns the processes that descend from root, and root itself.
func tree(root int) (map[int]stat, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	family := map[int]stat{}
	for pid, s := range all {
		for p := pid; p != 0; p = all[p].parent {
			if p == root {
				family[pid] = s
				break
			}
		}
	}
	if len(family) == 0 {
		return nil, fmt.Errorf("process %d is gone", root)
	}
	return family, nil
}

// processes reads the status of all processes.
func processes() (map[int]stat, error) {
	names, err := readNames("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]stat{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it ended meanwhile
		}
		if all[pid], err = parseStat(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readNames lists a directory without asking for more than names.
func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// cpuTime returns the CPU time of a process and its descendants so far.
func cpuTime(root int) (time.Duration, error) {
	family, err := tree(root)
	var sum time.Duration
	for _, s := range family {
		sum += s.cpu
	}
	return sum, err
}

// footprint is what a process and its descendants hold.
type footprint struct {
	memory int // PSS in bytes
	files  int // descriptors
}

func footprintOf(root int) (footprint, error) {
	var sum footprint
	family, err := tree(root)
	if err != nil {
		return sum, err
	}
	for pid := range family {
		dir := "/proc/" + strconv.Itoa(pid)
		text, err := os.ReadFile(dir + "/smaps_rollup")
		if err != nil {
			return sum, err
		}
		memory, err := parsePSS(string(text))
		if err != nil {
			return sum, err
		}
		files, err := readNames(dir + "/fd")
		if err != nil {
			return sum, err
		}
		sum.memory += memory
		sum.files += len(files)
	}
	return sum, nil
}

// settled waits until the number of descriptors stays the same for a moment,
// which means that sessions that have ended are cleared away.
func settled(root int) (footprint, error) {
	last, err := footprintOf(root)
	for range 50 {
		time.Sleep(50 * time.Millisecond)
		var now footprint
		if now, err = footprintOf(root); err != nil || now.files == last.files {
			return now, err
		}
		last = now
	}
	return last, err
}

// parsePSS finds the line "Pss:   267 kB".
func parsePSS(text string) (int, error) {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(line, "Pss:")
		if !ok {
			continue
		}
		kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		return kb * 1024, err
	}
	return 0, errors.New("no Pss in smaps_rollup")
}
