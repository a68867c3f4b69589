// Command judge answers what the Go packages that Helm 4.1.4 uses make of an input: one JSON request a line, one JSON answer
// a line. Values travel in a notation that keeps Go's types apart:
//
//	null, {"b":true}, {"i":"1"}, {"u":"1"}, {"f":"3ff0000000000000"} (bits), {"s":"61"} (bytes, hexadecimal), {"l":[…]}, {"m":{"61":…}}
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type request struct {
	Op    string `json:"op"`    // read, strict, write or pretty
	Text  string `json:"text"`  // of read and strict, hexadecimal
	Value any    `json:"value"` // of write and pretty
}

type answer struct {
	Value any    `json:"value,omitempty"`
	Text  string `json:"text,omitempty"` // hexadecimal
	Error string `json:"error,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<28)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var req request
		if err := json.Unmarshal(in.Bytes(), &req); err != nil {
			panic(err)
		}
		line, err := json.Marshal(handle(req))
		if err != nil {
			panic(err)
		}
		out.Write(line)
		out.WriteByte('\n')
	}
}

func handle(req request) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	switch req.Op {
	case "read", "strict":
		convert := yaml.YAMLToJSON
		if req.Op == "strict" {
			convert = yaml.YAMLToJSONStrict
		}
		text, err := convert(must(hex.DecodeString(req.Text)))
		if err != nil {
			return answer{Error: err.Error()}
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Value: encode(value)}
	case "write":
		text, err := yaml.Marshal(decode(req.Value))
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Text: hex.EncodeToString(text)}
	case "pretty":
		var text bytes.Buffer
		encoder := yamlv3.NewEncoder(&text)
		encoder.SetIndent(2)
		if err := encoder.Encode(decode(req.Value)); err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Text: hex.EncodeToString(text.Bytes())}
	}
	panic("unknown operation " + req.Op)
}

func encode(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case bool:
		return map[string]any{"b": v}
	case string:
		return map[string]any{"s": hex.EncodeToString([]byte(v))}
	case json.Number:
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil && v != "-0" {
			return map[string]any{"i": string(v)}
		}
		if _, err := strconv.ParseUint(string(v), 10, 64); err == nil {
			return map[string]any{"u": string(v)}
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			panic(err)
		}
		return map[string]any{"f": fmt.Sprintf("%016x", math.Float64bits(f))}
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = encode(item)
		}
		return map[string]any{"l": list}
	case map[string]any:
		fields := make(map[string]any, len(v))
		for key, item := range v {
			fields[hex.EncodeToString([]byte(key))] = encode(item)
		}
		return map[string]any{"m": fields}
	}
	panic(fmt.Sprintf("unexpected %T", value))
}

func decode(value any) any {
	tagged, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for tag, inner := range tagged {
		switch tag {
		case "b":
			return inner
		case "i":
			return must(strconv.ParseInt(inner.(string), 10, 64))
		case "u":
			return must(strconv.ParseUint(inner.(string), 10, 64))
		case "f":
			return math.Float64frombits(must(strconv.ParseUint(inner.(string), 16, 64)))
		case "s":
			return string(must(hex.DecodeString(inner.(string))))
		case "l":
			list := make([]any, 0)
			for _, item := range inner.([]any) {
				list = append(list, decode(item))
			}
			return list
		case "m":
			fields := make(map[string]any)
			for key, item := range inner.(map[string]any) {
				fields[string(must(hex.DecodeString(key)))] = decode(item)
			}
			return fields
		}
	}
	panic("unknown notation")
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
