// The other side of the measurements: Helm's own library, asked for the same work on the same inputs as Sutler's
// (bench/src). It reads one request a line from standard input and answers each with one line; bench/README.md has the
// format.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// request asks to prepare a case, or to run a prepared one.
type request struct {
	Prepare string         `json:"prepare"`
	Kind    string         `json:"kind"`
	Chart   string         `json:"chart"`
	Text    string         `json:"text"`
	Values  map[string]any `json:"values"`

	Run     string `json:"run"`
	Times   int    `json:"times"`
	Threads int    `json:"threads"`
}

// answer tells how long a run took, or what the prepared case makes.
type answer struct {
	Nanoseconds int64 `json:"nanoseconds,omitempty"`
	// Processor is what all threads together worked.
	Processor int64  `json:"processor,omitempty"`
	Digest    string `json:"digest,omitempty"`
	Error     string `json:"error,omitempty"`
}

// work does a case once; the number tells apart the runs of a case whose values differ each time. With the number `shown`, all
// that was made is returned as text, also where that is no part of what is measured.
type work func(number int) (string, error)

const shown = -1

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	cases := map[string]work{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<20), 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked request
		reply, err := answer{}, json.Unmarshal(in.Bytes(), &asked)
		if err == nil {
			reply, err = serve(cases, asked)
		}
		if err != nil {
			reply = answer{Error: err.Error()}
		}
		if err := out.Encode(reply); err != nil {
			os.Exit(1)
		}
	}
}

func serve(cases map[string]work, asked request) (answer, error) {
	if asked.Prepare != "" {
		prepared, err := prepare(asked)
		if err != nil {
			return answer{}, err
		}
		cases[asked.Prepare] = prepared
		text, err := prepared(shown)
		digest := sha256.Sum256([]byte(text))
		return answer{Digest: hex.EncodeToString(digest[:])}, err
	}
	prepared, found := cases[asked.Run]
	if !found {
		return answer{}, fmt.Errorf("no case %q was prepared", asked.Run)
	}
	start, worked := time.Now(), processorTime()
	err := run(prepared, asked.Times, max(asked.Threads, 1))
	return answer{Nanoseconds: time.Since(start).Nanoseconds(), Processor: processorTime() - worked}, err
}

// processorTime is how many nanoseconds processors have worked for this process, its garbage collector included.
func processorTime() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// run does the work that often, shared among so many goroutines.
func run(prepared work, times, threads int) error {
	errors := make([]error, threads)
	var all sync.WaitGroup
	for thread := range threads {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := thread; number < times && errors[thread] == nil; number += threads {
				_, errors[thread] = prepared(number)
			}
		}()
	}
	all.Wait()
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}
