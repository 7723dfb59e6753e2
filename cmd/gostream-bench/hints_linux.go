package main

import (
	"fmt"
	"os"
	"syscall"
)

// interval is a range of port numbers.
type interval struct{ low, high int }

// portRange reads the ports that the system uses for outgoing connections; it
// is empty if unknown.
func portRange() interval {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return interval{}
	}
	return parsePortRange(string(text))
}

func parsePortRange(text string) (r interval) {
	if n, _ := fmt.Sscan(text, &r.low, &r.high); n != 2 {
		return interval{}
	}
	return r
}

// hints says what about the machine is likely to get in the way.
func hints(o options, local interval, files int) []string {
	var hints []string
	const sysctl = "sysctl -w net.ipv4.ip_local_port_range='16000 65000'"
	if local.low <= o.port+portsNeeded-1 && o.port <= local.high {
		hints = append(hints, fmt.Sprintf("ports %d-%d may be taken by outgoing connections, which use %d-%d: choose another -port, or %s",
			o.port, o.port+portsNeeded-1, local.low, local.high, sysctl))
	} else if local.high-local.low < 40000 && local.high > 0 {
		hints = append(hints, fmt.Sprintf("outgoing connections have only the ports %d-%d; for many short ones give them more: %s",
			local.low, local.high, sysctl))
	}
	if need := filesNeeded(o.sessions); files < need {
		hints = append(hints, fmt.Sprintf("%d idle sessions may need %d descriptors in the proxy, the limit is %d: ulimit -n %d, or fewer -sessions",
			o.sessions, need, files, need))
	}
	return hints
}

// filesNeeded leaves some room beside the two sockets of a session.
func filesNeeded(sessions int) int { return 2*sessions + 500 }

// raiseFileLimit lifts the limit of descriptors as far as allowed, also for
// the processes that are started, and returns it.
func raiseFileLimit() (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("raising the limit of descriptors: %w", err)
	}
	return int(l.Cur), nil
}
