package main

// affinity.go - worker_cpu_affinity: which CPUs the event loops run on. A loop
// is bound as nginx binds a worker.

import (
	"errors"
	"runtime"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/process"
)

// affinity is the setting of worker_cpu_affinity.
type affinity struct {
	auto  bool
	masks [][]int // numbers of CPUs, one list for each event loop
}

// maxCPUs is CPU_SETSIZE.
const maxCPUs = 1024

func setAffinity(m *mainConfig, d *conf.Directive) error {
	if m.affinity.masks != nil {
		return d.Duplicate()
	}
	a, words := affinity{}, d.Args
	if words[0] == "auto" {
		if len(words) > 2 {
			return d.Errorf(`invalid number of arguments in "%s" directive`, d.Name)
		}
		a.auto, words = true, words[1:]
		all := make([]int, min(runtime.NumCPU(), maxCPUs))
		for i := range all {
			all[i] = i
		}
		a.masks = append(a.masks, all)
	}
	for _, word := range words {
		mask, err := cpuMask(d, word)
		if err != nil {
			return err
		}
		a.masks = append(a.masks, mask)
	}
	m.affinity = a
	return nil
}

// cpuMask reads a mask such as 0101, whose last digit is for CPU 0.
func cpuMask(d *conf.Directive, word string) (cpus []int, err error) {
	if len(word) > maxCPUs {
		return nil, d.Errorf(`"%s" supports up to %d CPUs only`, d.Name, maxCPUs)
	}
	cpus = []int{} // an empty mask is one that the system refuses
	cpu := 0
	for i := len(word) - 1; i >= 0; i-- {
		switch word[i] {
		case ' ':
			continue
		case '1':
			cpus = append(cpus, cpu)
		case '0':
		default:
			return nil, d.Errorf(`invalid character "%c" in "%s"`, word[i], d.Name)
		}
		cpu++
	}
	return cpus, nil
}

// cpus returns the CPUs for event loop n, counted from 0. Nil: any.
func (a *affinity) cpus(n int) []int {
	if len(a.masks) == 0 {
		return nil
	}
	last := a.masks[len(a.masks)-1]
	switch {
	case a.auto && len(last) == 0:
		return nil
	case a.auto:
		return last[n%len(last) : n%len(last)+1]
	case n < len(a.masks):
		return a.masks[n]
	}
	return last
}

// all are the CPUs of all event loops together.
func (a *affinity) all(loops int) (cpus []int) {
	for n := range loops {
		cpus = append(cpus, a.cpus(n)...)
	}
	return cpus
}

// bindToCPUs keeps the process to the CPUs of all its event loops together.
// What cannot be is for the loops to log, where there are any.
func (p *program) bindToCPUs() {
	cpus := p.settings.main.affinity.all(p.settings.stream.Workers)
	if len(cpus) == 0 {
		return
	}
	if err := process.SetAffinity(cpus); errors.Is(err, process.ErrUnsupported) {
		p.attempt("sched_setaffinity()", err)
	}
}

// bindLoop binds an event loop to its CPUs. It runs on the loop's thread.
func (p *program) bindLoop(n int) {
	cpus := p.settings.main.affinity.cpus(n)
	if cpus == nil {
		return
	}
	for _, cpu := range cpus {
		p.out.notice("sched_setaffinity(): using cpu #%d", cpu)
	}
	p.attempt("sched_setaffinity()", process.BindThread(cpus))
}
