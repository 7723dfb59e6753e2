package process

// Spec describes a process to start.
type Spec struct {
	Path  string   // the program; empty: this one, even if its file has been replaced
	Args  []string // the first is the title
	Env   []string
	Files []int // descriptors, which become 0, 1, 2 and so on
}

// Exit is how a process ended.
type Exit struct {
	PID    int
	Code   int  // exit code; 0 after a signal
	Signal int  // that ended it; 0: none
	Core   bool // a core file was written
}
