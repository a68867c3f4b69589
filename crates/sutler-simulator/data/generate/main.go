// Command generate writes ../protobuf.txt: how the objects of the Kubernetes API are written in protobuf. It reads the Go types
// of the client library by reflection, whose tags hold field numbers and JSON names side by side.
//
// Run in this folder: go mod tidy && go run .
package main

import (
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Types that have a JSON form of their own: the reader knows them by name.
var special = map[string]bool{
	"resource.Quantity": true, "intstr.IntOrString": true, "meta.v1.Time": true, "meta.v1.MicroTime": true,
	"meta.v1.Timestamp": true, "meta.v1.Duration": true, "runtime.RawExtension": true, "meta.v1.FieldsV1": true,
	"apiextensions.v1.JSON": true, "apiextensions.v1.JSONSchemaPropsOrBool": true,
	"apiextensions.v1.JSONSchemaPropsOrArray": true, "apiextensions.v1.JSONSchemaPropsOrStringArray": true,
}

func main() {
	check(apiextensions.AddToScheme(scheme.Scheme))
	check(apiregistration.AddToScheme(scheme.Scheme))
	w := walk{types: map[string]string{}}
	var kinds []string
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		if !wanted(gvk) {
			continue
		}
		group := gvk.Group
		if group == "" {
			group = "-"
		}
		kinds = append(kinds, fmt.Sprintf("kind %s/%s %s %s", group, gvk.Version, gvk.Kind, w.visit(t)))
	}
	sort.Strings(kinds)
	var names []string
	for name := range w.types {
		names = append(names, name)
	}
	sort.Strings(names)
	var out strings.Builder
	fmt.Fprintf(&out, "# Protobuf form of the Kubernetes API 1.34.4, generated %s by data/generate from the Go modules k8s.io/{api,apimachinery} v0.34.4.\n", time.Now().UTC().Format("2006-01-02"))
	out.WriteString("# \"kind GROUP/VERSION KIND TYPE\", then \"type NAME\" followed by its fields, indented: NUMBER NAME TYPE [?]\n")
	out.WriteString("# NAME: as in JSON, \"-\" when the fields of the message stand in its place. TYPE: s text, b bytes, i integer, o bool, d double,\n")
	out.WriteString("# .NAME a message, [T] repeated, {T} a map from text, <s> a message that is a list of texts. \"?\": a zero is left out in JSON.\n")
	out.WriteString(strings.Join(kinds, "\n") + "\n")
	for _, name := range names {
		out.WriteString(w.types[name])
	}
	check(os.WriteFile("../protobuf.txt", []byte(out.String()), 0o644))
}

// The stable versions that are served, without lists: those are never sent.
func wanted(gvk schema.GroupVersionKind) bool {
	stable := gvk.Version == "v1" || (gvk.Group == "autoscaling" && gvk.Version == "v2")
	return stable && !strings.HasSuffix(gvk.Kind, "List") && !strings.HasSuffix(gvk.Kind, "Options") || gvk.Version == "v1" && gvk.Kind == "DeleteOptions" && gvk.Group == ""
}

type walk struct{ types map[string]string }

// visit returns the name of a struct type, having noted its fields.
func (w *walk) visit(t reflect.Type) string {
	name := short(t)
	if _, known := w.types[name]; known || special[name] {
		return name
	}
	w.types[name] = ""
	type field struct {
		number int
		line   string
	}
	var fields []field
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		var number int
		if _, err := fmt.Sscan(tag[1], &number); err != nil {
			continue
		}
		json := strings.Split(f.Tag.Get("json"), ",")
		jsonName, omit := json[0], false
		for _, option := range json[1:] {
			if option == "omitempty" {
				omit = true
			}
			if option == "inline" {
				jsonName = "-"
			}
		}
		if jsonName == "" {
			jsonName = "-"
		}
		line := fmt.Sprintf(" %d %s %s", number, jsonName, w.code(f.Type))
		switch f.Type.Kind() {
		case reflect.Ptr, reflect.Struct, reflect.Slice, reflect.Map:
		default:
			if omit {
				line += " ?"
			}
		}
		fields = append(fields, field{number, line})
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i].number < fields[j].number })
	out := "type " + name + "\n"
	for _, f := range fields {
		out += f.line + "\n"
	}
	w.types[name] = out
	return name
}

func (w *walk) code(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Ptr:
		return w.code(t.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "o"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return "i"
	case reflect.Float64:
		return "d"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "b"
		}
		// A named list of texts is written as a message with one repeated field.
		if t.Name() != "" && t.Elem().Kind() == reflect.String {
			return "<s>"
		}
		return "[" + w.code(t.Elem()) + "]"
	case reflect.Map:
		return "{" + w.code(t.Elem()) + "}"
	case reflect.Struct:
		return "." + w.visit(t)
	}
	panic("no code for " + t.String())
}

// short names a type as the schema table does: core.v1.Container.
func short(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	if n := len(path); n >= 2 && strings.HasPrefix(path[n-1], "v") {
		return path[n-2] + "." + path[n-1] + "." + t.Name()
	}
	return path[len(path)-1] + "." + t.Name()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
