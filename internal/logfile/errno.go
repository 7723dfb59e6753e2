package logfile

import "syscall"

// ErrorText is strerror(), as nginx shows it for an errno. Go has the C
// library's texts but for the first letter.
func ErrorText(e syscall.Errno) string {
	text := []byte(e.Error())
	if len(text) > 0 && text[0] >= 'a' && text[0] <= 'z' {
		text[0] -= 'a' - 'A'
	}
	return string(text)
}
