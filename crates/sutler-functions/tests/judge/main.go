// The judge of sutler-functions: executes templates with Helm's own functions.
//
// Standard input holds one JSON object a line: the first is {"data": …}, what the templates see as their dot, every other
// {"template": …}. For each of those, standard output has one line: {"output": …} or {"error": …}, the text quoted by
// strconv.Quote, since it may be any bytes.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/template"
	_ "unsafe"

	_ "helm.sh/helm/v4/pkg/engine"
)

// Helm does not export its table of functions, and the table is what is judged.
//
//go:linkname helmFunctions helm.sh/helm/v4/pkg/engine.funcMap
func helmFunctions() template.FuncMap

func main() {
	functions := helmFunctions()
	if len(os.Args) > 1 && os.Args[1] == "signatures" {
		for name, function := range functions {
			fmt.Printf("%s %T\n", name, function)
		}
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	var data json.RawMessage
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var request struct {
			Data     json.RawMessage `json:"data"`
			Template string          `json:"template"`
		}
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintln(os.Stderr, "judge:", err)
			os.Exit(2)
		}
		if request.Data != nil {
			data = request.Data
			continue
		}
		output, err := execute(functions, request.Template, data)
		answer := map[string]string{}
		if err != nil {
			answer["error"] = strconv.Quote(err.Error())
		} else {
			answer["output"] = strconv.Quote(output)
		}
		text, _ := json.Marshal(answer)
		out.Write(append(text, '\n'))
	}
}

// Every template has its own copy of the data, since some functions change it.
func execute(functions template.FuncMap, text string, data json.RawMessage) (output string, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	var dot map[string]any
	if err := json.Unmarshal(data, &dot); err != nil {
		return "", err
	}
	parsed, err := template.New("t").Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var buffer bytes.Buffer
	if err := parsed.Execute(&buffer, dot); err != nil {
		return "", err
	}
	return buffer.String(), nil
}
