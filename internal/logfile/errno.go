package logfile

import (
	"errors"
	"runtime"
	"strconv"
	"syscall"
)

// ErrorText is strerror(), as nginx shows it for an errno. It does not allocate,
// except on Windows.
func ErrorText(e syscall.Errno) string {
	switch {
	case runtime.GOOS == "windows":
		return capitalized(e.Error())
	case int(e) < len(errorTexts) && errorTexts[e] != "":
		return errorTexts[e]
	}
	return "Unknown error"
}

// errorTexts are the C library's texts. It is not written to.
var errorTexts = makeErrorTexts()

// makeErrorTexts turns Go's texts into those of the C library, which begin with
// a capital letter.
func makeErrorTexts() (texts [256]string) {
	if runtime.GOOS == "windows" {
		return texts
	}
	texts[0] = "Success"
	for i := 1; i < len(texts); i++ {
		if text := syscall.Errno(i).Error(); text != "errno "+strconv.Itoa(i) {
			texts[i] = capitalized(text)
		}
	}
	if runtime.GOOS == "linux" {
		texts[133] = "Memory page has hardware error" // EHWPOISON: Go has no text for it
	}
	return texts
}

func capitalized(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:]
}

// errnoSuffix is " (2: No such file or directory)".
func errnoSuffix(e syscall.Errno) string {
	return " (" + strconv.Itoa(int(e)) + ": " + ErrorText(e) + ")"
}

// errnoOf finds the errno in an error of package os or net; EIO if there is
// none.
func errnoOf(err error) syscall.Errno {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return syscall.EIO
}
