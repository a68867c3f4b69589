// The judge of sutler-chart: runs Helm's commands, as Helm's own library has them, many in one process.
//
// Standard input holds one JSON object a line, {"arguments": ["template", "r", "/a/chart"]}; for each, standard output has one
// line: {"stdout": …, "stderr": …, "exit": …}, the texts in base64, since they may be any bytes. Starting Helm's program takes
// fifty milliseconds; a command here takes one or two.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	_ "unsafe"

	"github.com/spf13/cobra"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/cmd"
)

// As cmd.NewRootCmd, without its hook into cobra, which would be run again for every command before.
//
//go:linkname newRootCommand helm.sh/helm/v4/pkg/cmd.newRootCmdWithConfig
func newRootCommand(config *action.Configuration, out io.Writer, arguments []string, logs func(bool)) (*cobra.Command, error)

// What flags of one command set would be the defaults of the next one's.
//
//go:linkname settings helm.sh/helm/v4/pkg/cmd.settings
var settings *cli.EnvSettings

type request struct {
	Arguments []string `json:"arguments"`
}

type answer struct {
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	Exit   int    `json:"exit"`
}

func main() {
	debug.SetGCPercent(400)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	// Helm writes to os.Stderr from many places; its own errors go where the process's do.
	own := os.Stderr
	errorsFile, err := os.CreateTemp("", "judge")
	if err != nil {
		fmt.Fprintln(own, "judge:", err)
		os.Exit(2)
	}
	os.Remove(errorsFile.Name())
	os.Stderr = errorsFile
	log.SetOutput(errorsFile)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var request request
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintln(own, "judge:", err)
			os.Exit(2)
		}
		text, err := json.Marshal(run(request.Arguments, errorsFile))
		if err != nil {
			fmt.Fprintln(own, "judge:", err)
			os.Exit(2)
		}
		out.Write(append(text, '\n'))
		// Whoever asks may wait for each answer.
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

// run does what Helm's main function does.
func run(arguments []string, errorsFile *os.File) (found answer) {
	var out bytes.Buffer
	errorsFile.Truncate(0)
	errorsFile.Seek(0, io.SeekStart)
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(errorsFile, "panic: %v\n", problem)
			found.Exit = 2
		}
		errorsFile.Seek(0, io.SeekStart)
		found.Stderr, _ = io.ReadAll(errorsFile)
		found.Stdout = out.Bytes()
	}()
	settings = cli.New()
	config := action.NewConfiguration()
	command, err := newRootCommand(config, &out, arguments, cmd.SetupLogging)
	if err == nil {
		err = config.Init(settings.RESTClientGetter(), settings.Namespace(), "memory")
	}
	if err != nil {
		fmt.Fprintln(errorsFile, err)
		found.Exit = 1
		return found
	}
	command.SetArgs(arguments)
	command.SetOut(&out)
	if err := command.Execute(); err != nil {
		found.Exit = 1
		var coded cmd.CommandError
		if errors.As(err, &coded) {
			found.Exit = coded.ExitCode
		}
	}
	return found
}
