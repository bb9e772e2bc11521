// Package member is the frame of a group's member: what it is called with and what it prints, as
// tests/integration/groups/confluent_member.py describes it.
package member

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Arguments are the words of the command line.
type Arguments struct {
	Topic    string
	settings map[string]string
}

// Parse reads them.
func Parse() Arguments {
	args := Arguments{os.Args[1], map[string]string{}}
	for _, word := range os.Args[2:] {
		key, value, _ := strings.Cut(word, "=")
		args.settings[key] = value
	}
	return args
}

// Bootstrap is the broker, Group the group's id.
func (a Arguments) Bootstrap() string { return a.settings["bootstrap.servers"] }
func (a Arguments) Group() string     { return a.settings["group.id"] }

// Duration is a setting in milliseconds.
func (a Arguments) Duration(key string) time.Duration {
	ms, err := strconv.Atoi(a.settings[key])
	if err != nil {
		panic(err)
	}
	return time.Duration(ms) * time.Millisecond
}

var lock sync.Mutex

func tell(event map[string]any) {
	lock.Lock()
	defer lock.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(event); err != nil {
		panic(err)
	}
}

// Partitions tells of some that were assigned, revoked or lost.
func Partitions(event string, partitions []int32) {
	if partitions == nil {
		partitions = []int32{}
	}
	tell(map[string]any{"event": event, "partitions": partitions})
}

// Record tells of one that was read.
func Record(partition int32, offset int64, value []byte) {
	tell(map[string]any{"event": "record", "partition": partition, "offset": offset, "value": string(value)})
}

// Refused tells of a commit that was not taken: the next owner reads it again.
func Refused(err error) { tell(map[string]any{"event": "refused", "text": err.Error()}) }

// Left tells that the member is out of the group.
func Left() { tell(map[string]any{"event": "left"}) }

// UntilTheEnd is done when the standard input is.
func UntilTheEnd() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}
