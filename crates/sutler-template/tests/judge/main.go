// Executes templates with Go's text/template: the judge of the tests of sutler-template.
//
// Reads one case a line as JSON and answers each with a line of JSON, texts in base64:
//
//	{"files": [["name", "text"], …], "run": "name", "data": …, "missingkey": "zero"}
//	{"out": "…", "error": "…"}
//
// Numbers of the data are float64; other types are written as {"$int": 1} (see build).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/template"
	"time"
)

type request struct {
	Files      [][2][]byte `json:"files"`
	Run        string      `json:"run"`
	Data       any         `json:"data"`
	MissingKey string      `json:"missingkey"`
	Left       string      `json:"left"`
	Right      string      `json:"right"`
}

type answer struct {
	Out   []byte `json:"out"`
	Error []byte `json:"error"`
}

// Values is a named map, as Helm's common.Values.
type Values map[string]any

// Upper is a method of a named map.
func (v Values) Upper(key string) string { return strings.ToUpper(fmt.Sprint(v[key])) }

// Names is a named slice with a method.
type Names []string

// Has tells whether name is among the names.
func (n Names) Has(name string) bool {
	for _, other := range n {
		if other == name {
			return true
		}
	}
	return false
}

// Point is a struct without methods of its own.
type Point struct {
	X, Y int
	Any  any
}

// Version is a struct whose pointer prints itself.
type Version struct{ Major, Minor int }

func (v *Version) String() string { return fmt.Sprintf("v%d.%d", v.Major, v.Minor) }

// Next is a method with an argument.
func (v *Version) Next(by int) *Version { return &Version{v.Major, v.Minor + by} }

// Fail is a method that fails.
func (v *Version) Fail() (string, error) { return "", errors.New("no such version") }

// build makes the data: {"$type": content} is a value of that type.
func build(plain any) any {
	switch plain := plain.(type) {
	case []any:
		list := make([]any, len(plain))
		for i, item := range plain {
			list[i] = build(item)
		}
		return list
	case map[string]any:
		if len(plain) == 1 {
			for key, content := range plain {
				if strings.HasPrefix(key, "$") {
					return typed(key[1:], content)
				}
			}
		}
		object := map[string]any{}
		for key, item := range plain {
			object[key] = build(item)
		}
		return object
	}
	return plain
}

func typed(name string, content any) any {
	number := func() float64 { return content.(float64) }
	switch name {
	case "int":
		return int(number())
	case "int8":
		return int8(number())
	case "int16":
		return int16(number())
	case "int32":
		return int32(number())
	case "int64":
		return int64(number())
	case "uint":
		return uint(number())
	case "uint8":
		return uint8(number())
	case "uint16":
		return uint16(number())
	case "uint32":
		return uint32(number())
	case "uint64":
		return uint64(number())
	case "float32":
		return float32(number())
	case "strings":
		list := []string{}
		for _, item := range content.([]any) {
			list = append(list, item.(string))
		}
		return list
	case "ints":
		list := []int{}
		for _, item := range content.([]any) {
			list = append(list, int(item.(float64)))
		}
		return list
	case "names":
		list := Names{}
		for _, item := range content.([]any) {
			list = append(list, item.(string))
		}
		return list
	case "bytes":
		return []byte(content.(string))
	case "stringmap":
		object := map[string]string{}
		for key, item := range content.(map[string]any) {
			object[key] = item.(string)
		}
		return object
	case "bytesmap":
		object := map[string][]byte{}
		for key, item := range content.(map[string]any) {
			object[key] = []byte(item.(string))
		}
		return object
	case "values":
		return Values(build(content).(map[string]any))
	case "point":
		list := content.([]any)
		return Point{int(list[0].(float64)), int(list[1].(float64)), build(list[2])}
	case "pointer":
		list := content.([]any)
		return &Point{int(list[0].(float64)), int(list[1].(float64)), build(list[2])}
	case "version":
		list := content.([]any)
		return &Version{int(list[0].(float64)), int(list[1].(float64))}
	case "duration":
		return time.Duration(number())
	case "nilmap":
		return map[string]any(nil)
	case "nillist":
		return []any(nil)
	}
	panic("unknown type " + name)
}

func functions(set *template.Template, missingkey string) template.FuncMap {
	return template.FuncMap{
		"int1":    func(n int) int { return n },
		"int64f":  func(n int64) int64 { return n },
		"uint8f":  func(n uint8) uint8 { return n },
		"float1":  func(f float64) float64 { return f },
		"bool1":   func(b bool) bool { return b },
		"str1":    func(s string) string { return s },
		"two":     func(n int, s string) string { return fmt.Sprint(n, s) },
		"any1":    func(v any) any { return v },
		"list":    func(v ...any) []any { return v },
		"strs":    func(v ...string) []string { return v },
		"ints":    func(v ...int) []int { return v },
		"maps":    func(m map[string]any) map[string]any { return m },
		"lists":   func(l []any) []any { return l },
		"join":    func(separator string, v ...string) string { return strings.Join(v, separator) },
		"fail":    func(message string) (string, error) { return "", errors.New(message) },
		"divide":  func(a, b int) int { return a / b },
		"typeOf":  func(v any) string { return fmt.Sprintf("%T", v) },
		"nilany":  func() any { return nil },
		"nilmap":  func() map[string]any { return nil },
		"nillist": func() []any { return nil },
		"keys": func(m map[string]any) []string {
			keys := []string{}
			for key := range m {
				keys = append(keys, key)
			}
			sort.Strings(keys)
			return keys
		},
		"dict": func(v ...any) map[string]any {
			object := map[string]any{}
			for i := 0; i+1 < len(v); i += 2 {
				object[fmt.Sprint(v[i])] = v[i+1]
			}
			return object
		},
		"set": func(m map[string]any, key string, value any) map[string]any { m[key] = value; return m },
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := set.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"tpl": func(text string, data any) (string, error) {
			clone := template.Must(set.Clone())
			clone.Option("missingkey=" + missingkey)
			clone.Funcs(functions(clone, missingkey))
			t, err := clone.New(set.Name()).Parse(text)
			if err != nil {
				return "", fmt.Errorf("cannot parse: %w", err)
			}
			var out strings.Builder
			err = t.Execute(&out, data)
			return out.String(), err
		},
	}
}

func judge(r request) (out string, err error) {
	set := template.New("gotpl")
	if r.MissingKey == "" {
		r.MissingKey = "default"
	}
	set.Option("missingkey=" + r.MissingKey)
	set.Delims(r.Left, r.Right)
	set.Funcs(functions(set, r.MissingKey))
	for _, file := range r.Files {
		if _, err := set.New(string(file[0])).Parse(string(file[1])); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	err = set.ExecuteTemplate(&b, r.Run, build(r.Data))
	return b.String(), err
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			panic(err)
		}
		text, err := judge(r)
		a := answer{Out: []byte(text)}
		if err != nil {
			a.Error = []byte(err.Error())
		}
		if err := out.Encode(a); err != nil {
			panic(err)
		}
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}
