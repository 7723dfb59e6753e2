package process

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// NotifySocket is the variable by which systemd tells a service of
// Type=notify where to report; see sd_notify(3).
const NotifySocket = "NOTIFY_SOCKET"

// States for [Notify].
const (
	StateReady    = "READY=1"
	StateStopping = "STOPPING=1"
)

// StateReloading says that a reload has begun. [StateReady] ends it.
func StateReloading() string { return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic()) }

// StateMain says which process is the main one of the service.
func StateMain(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// Notify tells systemd how the service is. Without systemd it does nothing.
func Notify(states ...string) error {
	address := os.Getenv(NotifySocket)
	if address == "" {
		return nil
	}
	c, err := net.Dial("unixgram", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte(strings.Join(states, "\n")))
	return err
}
