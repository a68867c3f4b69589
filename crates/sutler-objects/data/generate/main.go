// Command generate writes the two tables beside it, kinds.txt and schema.txt, from what Kubernetes publishes in its
// source tree: api/discovery/aggregated_v2.json (resources, verbs, names) and api/openapi-spec/v3/*.json (types, list
// types, merge keys, defaults). Facts only: no description is carried over.
//
//	go run . 1.34.4      # in this folder; downloads the Go module k8s.io/kubernetes once
//
// What is always written comes from the struct tags of k8s.io/api and its neighbours, in the version 0.x of the same release.
//
// Only stable versions (v1, v2, …) are kept: others are off in an API server with default flags.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"
)

var stable = regexp.MustCompile(`^v[0-9]+$`)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: generate VERSION (e.g. 1.34.4)")
	}
	version := os.Args[1]
	tree := moduleDir("k8s.io/kubernetes@v" + version)
	write("../kinds.txt", header("Resources of the Kubernetes API", version, kindsFormat)+kinds(tree))
	write("../schema.txt", header("Types of the Kubernetes API", version, schemaFormat)+schema(tree, zeros(version)))
}

const kindsFormat = `group version Kind plural singular scope [short=a,b] [cat=a,b] verbs=… [sub=NAME:group/version/Kind:verbs]…; "-" is the core group,
verbs=* the eight of an ordinary resource (create delete deletecollection get list patch update watch). Groups in order of preference.`

const schemaFormat = `"kind GROUP/VERSION KIND TYPE", then "type NAME [map=atomic]" followed by its fields, indented: NAME TYPE [!] [FLAG]…
TYPE: string bytes time micro-time quantity int-or-string int32 int64 integer number bool any object, .NAME a type, [T] a list, {T} a map.
"!" required; list=set | list=map:KEYS (else atomic); map=atomic; patch=STRATEGY; key=MERGE KEY; default=JSON (also of keys);
zero=JSON what a field that is always written has where it was not given (Go: no omitempty, or a structure and no pointer).`

func header(title, version, format string) string {
	out := fmt.Sprintf("%s %s, generated %s by data/generate from the Go module k8s.io/kubernetes v%s.\n%s",
		title, version, time.Now().UTC().Format("2006-01-02"), version, format)
	return "# " + strings.ReplaceAll(out, "\n", "\n# ") + "\n"
}

func moduleDir(module string) string {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		log.Fatalf("download %s: %v", module, err)
	}
	var info struct{ Dir string }
	check(json.Unmarshal(out, &info))
	return info.Dir
}

type groupVersionKind struct{ Group, Version, Kind string }

func (g groupVersionKind) String() string { return orDash(g.Group) + "/" + g.Version + "/" + g.Kind }

type resource struct {
	Resource, SingularResource, Scope string
	ResponseKind                      groupVersionKind
	ShortNames, Categories, Verbs     []string
	Subresources                      []struct {
		Subresource  string
		ResponseKind *groupVersionKind
		Verbs        []string
	}
}

func kinds(tree string) string {
	var out strings.Builder
	// The core group comes first, as it does in discovery; it has a file of its own.
	out.WriteString(kindsOfGroup("", "v1", coreResources(tree)))
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Versions []struct {
				Version   string
				Resources []resource
			}
		}
	}
	read(filepath.Join(tree, "api/discovery/aggregated_v2.json"), &list)
	for _, group := range list.Items {
		for _, version := range group.Versions {
			if stable.MatchString(version.Version) {
				out.WriteString(kindsOfGroup(group.Metadata.Name, version.Version, version.Resources))
			}
		}
	}
	return out.String()
}

// coreResources reads api/v1, which is published in the older, flat form only.
func coreResources(tree string) []resource {
	var flat struct {
		Resources []struct {
			Name, SingularName, Kind, Group, Version string
			Namespaced                               bool
			ShortNames, Categories, Verbs            []string
		}
	}
	read(filepath.Join(tree, "api/discovery/api__v1.json"), &flat)
	var out []resource
	index := map[string]int{}
	for _, r := range flat.Resources {
		if strings.Contains(r.Name, "/") {
			continue
		}
		scope := "Cluster"
		if r.Namespaced {
			scope = "Namespaced"
		}
		index[r.Name] = len(out)
		out = append(out, resource{Resource: r.Name, SingularResource: r.SingularName, Scope: scope, ResponseKind: groupVersionKind{Kind: r.Kind},
			ShortNames: r.ShortNames, Categories: r.Categories, Verbs: r.Verbs})
	}
	for _, r := range flat.Resources {
		parent, name, found := strings.Cut(r.Name, "/")
		if !found {
			continue
		}
		// namespaces/finalize and the like hang below their parent.
		of := &out[index[parent]]
		of.Subresources = append(of.Subresources, struct {
			Subresource  string
			ResponseKind *groupVersionKind
			Verbs        []string
		}{name, &groupVersionKind{r.Group, r.Version, r.Kind}, r.Verbs})
	}
	return out
}

func kindsOfGroup(group, version string, resources []resource) string {
	var out strings.Builder
	for _, r := range resources {
		scope := "cluster"
		if r.Scope == "Namespaced" {
			scope = "namespaced"
		}
		fmt.Fprintf(&out, "%s %s %s %s %s %s", orDash(group), version, r.ResponseKind.Kind, r.Resource, orDash(r.SingularResource), scope)
		flag(&out, "short", r.ShortNames)
		flag(&out, "cat", r.Categories)
		fmt.Fprintf(&out, " verbs=%s", verbs(r.Verbs))
		for _, s := range r.Subresources {
			kind := groupVersionKind{group, version, r.ResponseKind.Kind}
			if s.ResponseKind != nil && s.ResponseKind.Kind != "" {
				kind.Kind = s.ResponseKind.Kind
				if s.ResponseKind.Version != "" {
					kind.Group, kind.Version = s.ResponseKind.Group, s.ResponseKind.Version
				}
			}
			fmt.Fprintf(&out, " sub=%s:%s:%s", s.Subresource, kind, verbs(s.Verbs))
		}
		out.WriteString("\n")
	}
	return out.String()
}

func flag(out *strings.Builder, name string, values []string) {
	if len(values) > 0 {
		fmt.Fprintf(out, " %s=%s", name, strings.Join(values, ","))
	}
}

func verbs(list []string) string {
	joined := strings.Join(list, ",")
	if joined == "create,delete,deletecollection,get,list,patch,update,watch" {
		return "*"
	}
	return joined
}

type node struct {
	Ref                  string             `json:"$ref"`
	AllOf                []node             `json:"allOf"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Items                *node              `json:"items"`
	Properties           map[string]*node   `json:"properties"`
	AdditionalProperties *node              `json:"additionalProperties"`
	Required             []string           `json:"required"`
	Default              json.RawMessage    `json:"default"`
	ListType             string             `json:"x-kubernetes-list-type"`
	ListMapKeys          []string           `json:"x-kubernetes-list-map-keys"`
	MapType              string             `json:"x-kubernetes-map-type"`
	PatchStrategy        string             `json:"x-kubernetes-patch-strategy"`
	PatchMergeKey        string             `json:"x-kubernetes-patch-merge-key"`
	Kinds                []groupVersionKind `json:"x-kubernetes-group-version-kind"`
}

func schema(tree string, zeros map[string]string) string {
	types := map[string]*node{}
	files, err := filepath.Glob(filepath.Join(tree, "api/openapi-spec/v3/*_openapi.json"))
	check(err)
	for _, file := range files {
		var doc struct {
			Components struct{ Schemas map[string]*node }
		}
		read(file, &doc)
		for name, t := range doc.Components.Schemas {
			types[name] = t
		}
	}
	var roots []string
	kindLines := []string{}
	for name, t := range types {
		if _, isList := t.Properties["items"]; isList && strings.HasSuffix(name, "List") {
			continue
		}
		// DeleteOptions and WatchEvent are served under every group: only the one of v1 is kept.
		for _, k := range t.Kinds {
			if !stable.MatchString(k.Version) || (len(t.Kinds) > 1 && !(k.Group == "" && k.Version == "v1")) {
				continue
			}
			kindLines = append(kindLines, fmt.Sprintf("kind %s/%s %s %s", orDash(k.Group), k.Version, k.Kind, short(name)))
			roots = append(roots, name)
		}
	}
	sort.Strings(kindLines)
	seen := map[string]bool{}
	for len(roots) > 0 {
		name := roots[len(roots)-1]
		roots = roots[:len(roots)-1]
		if seen[name] || scalar(name) != "" {
			continue
		}
		seen[name] = true
		for _, field := range types[name].Properties {
			roots = append(roots, refs(field)...)
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return short(names[i]) < short(names[j]) })
	var out strings.Builder
	out.WriteString(strings.Join(kindLines, "\n") + "\n")
	for _, name := range names {
		t := types[name]
		fmt.Fprintf(&out, "type %s", short(name))
		if t.MapType == "atomic" {
			out.WriteString(" map=atomic")
		}
		out.WriteString("\n")
		var fields []string
		for field := range t.Properties {
			fields = append(fields, field)
		}
		sort.Strings(fields)
		for _, field := range fields {
			writeField(&out, field, t.Properties[field], contains(t.Required, field), zeros[short(name)+" "+field])
		}
	}
	return out.String()
}

func writeField(out *strings.Builder, name string, f *node, required bool, zero string) {
	fmt.Fprintf(out, " %s %s", name, typeOf(f))
	if required {
		out.WriteString(" !")
	}
	switch f.ListType {
	case "set":
		out.WriteString(" list=set")
	case "map":
		fmt.Fprintf(out, " list=map:%s", strings.Join(f.ListMapKeys, ","))
	}
	if f.MapType == "atomic" {
		out.WriteString(" map=atomic")
	}
	if f.PatchStrategy != "" {
		fmt.Fprintf(out, " patch=%s", f.PatchStrategy)
	}
	if f.PatchMergeKey != "" {
		fmt.Fprintf(out, " key=%s", f.PatchMergeKey)
	}
	if len(f.Default) > 0 && string(f.Default) != "{}" {
		var compact bytes.Buffer
		check(json.Compact(&compact, f.Default))
		fmt.Fprintf(out, " default=%s", compact.String())
	}
	if zero == "value" {
		zero = map[string]string{"string": `""`, "bytes": "null", "time": "null", "micro-time": "null", "quantity": `"0"`, "bool": "false"}[typeOf(f)]
		if zero == "" {
			zero = "0"
		}
		if strings.HasPrefix(typeOf(f), ".") || typeOf(f) == "object" {
			zero = "{}"
		}
	}
	if zero != "" {
		fmt.Fprintf(out, " zero=%s", zero)
	}
	out.WriteString("\n")
}

// zeros tells of each field that is always written ("group.version.Type field") whether it is then "null" or its type's zero "value".
func zeros(version string) map[string]string {
	out := map[string]string{}
	library := "v0" + strings.TrimPrefix(version, "1")
	for module, folders := range map[string]string{
		"k8s.io/api": "*/*", "k8s.io/apimachinery": "pkg/apis/meta/*", "k8s.io/apiextensions-apiserver": "pkg/apis/apiextensions/*",
		"k8s.io/kube-aggregator": "pkg/apis/apiregistration/*",
	} {
		packages, err := filepath.Glob(filepath.Join(moduleDir(module+"@"+library), folders))
		check(err)
		for _, folder := range packages {
			if stable.MatchString(filepath.Base(folder)) {
				zerosOf(folder, out)
			}
		}
	}
	return out
}

func zerosOf(folder string, out map[string]string) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	check(err)
	structs := map[string]*ast.StructType{}
	named := map[string]ast.Expr{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		check(err)
		for _, declaration := range parsed.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					named[t.Name.Name] = t.Type
					if s, ok := t.Type.(*ast.StructType); ok {
						structs[t.Name.Name] = s
					}
				}
			}
		}
	}
	prefix := filepath.Base(filepath.Dir(folder)) + "." + filepath.Base(folder) + "."
	for name, s := range structs {
		addZeros(prefix+name, s, structs, named, out)
	}
}

func addZeros(owner string, s *ast.StructType, structs map[string]*ast.StructType, named map[string]ast.Expr, out map[string]string) {
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if ident, ok := field.Type.(*ast.Ident); ok && name == "" && structs[ident.Name] != nil {
			addZeros(owner, structs[ident.Name], structs, named, out)
		}
		if name == "" || name == "-" || strings.Contains(options, "omitzero") {
			continue
		}
		of := field.Type
		if ident, ok := of.(*ast.Ident); ok && named[ident.Name] != nil {
			of = named[ident.Name]
		}
		omitted := strings.Contains(options, "omitempty")
		switch t := of.(type) {
		case *ast.StarExpr, *ast.ArrayType, *ast.MapType:
			if !omitted {
				out[owner+" "+name] = "null"
			}
		case *ast.StructType, *ast.SelectorExpr:
			// Of other packages' types, only names and identifiers are no structures.
			if s, ok := t.(*ast.SelectorExpr); ok && omitted && (s.Sel.Name == "UID" || s.Sel.Name == "ConditionStatus" || strings.HasSuffix(s.Sel.Name, "Type") || strings.HasSuffix(s.Sel.Name, "Mode") || s.Sel.Name == "ResourceName" || s.Sel.Name == "Protocol") {
				continue
			}
			if s, ok := t.(*ast.SelectorExpr); ok && omitted && !otherStructs[s.Sel.Name] {
				log.Printf("%s %s: %s is taken for a scalar or list", owner, name, s.Sel.Name)
				continue
			}
			out[owner+" "+name] = "value"
		default:
			if !omitted {
				out[owner+" "+name] = "value"
			}
		}
	}
}

// otherStructs are the structures of other packages that fields hold without a pointer.
var otherStructs = map[string]bool{
	"ObjectMeta": true, "ListMeta": true, "TypeMeta": true, "LabelSelector": true, "Time": true, "MicroTime": true, "IntOrString": true, "Quantity": true,
	"RawExtension": true, "PodTemplateSpec": true, "ObjectReference": true, "NodeSelector": true, "EventSource": true, "PersistentVolumeSpec": true,
	"Duration": true, "GroupVersionKind": true, "GroupVersionResource": true,
}

func typeOf(n *node) string {
	if ref := refOf(n); ref != "" {
		if s := scalar(ref); s != "" {
			return s
		}
		return "." + short(ref)
	}
	switch n.Type {
	case "array":
		return "[" + typeOf(n.Items) + "]"
	case "object":
		if n.AdditionalProperties != nil {
			return "{" + typeOf(n.AdditionalProperties) + "}"
		}
		return "object"
	case "boolean":
		return "bool"
	case "number":
		return "number"
	case "integer":
		if n.Format != "" {
			return n.Format
		}
		return "integer"
	case "string":
		if n.Format == "byte" {
			return "bytes"
		}
		return "string"
	}
	return "any"
}

func refOf(n *node) string {
	if n.Ref != "" {
		return strings.TrimPrefix(n.Ref, "#/components/schemas/")
	}
	if len(n.AllOf) == 1 {
		return refOf(&n.AllOf[0])
	}
	return ""
}

func refs(n *node) []string {
	if n == nil {
		return nil
	}
	if ref := refOf(n); ref != "" {
		return []string{ref}
	}
	return append(refs(n.Items), refs(n.AdditionalProperties)...)
}

func scalar(ref string) string {
	switch ref {
	case "io.k8s.apimachinery.pkg.api.resource.Quantity":
		return "quantity"
	case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
		return "int-or-string"
	case "io.k8s.apimachinery.pkg.apis.meta.v1.Time":
		return "time"
	case "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":
		return "micro-time"
	case "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "io.k8s.apimachinery.pkg.runtime.RawExtension", "io.k8s.apimachinery.pkg.apis.meta.v1.Patch":
		return "object"
	}
	if strings.HasPrefix(ref, "io.k8s.apiextensions-apiserver.") {
		switch short(ref) {
		case "apiextensions.v1.JSON", "apiextensions.v1.JSONSchemaPropsOrArray", "apiextensions.v1.JSONSchemaPropsOrBool", "apiextensions.v1.JSONSchemaPropsOrStringArray":
			return "any"
		}
	}
	return ""
}

// short keeps the last three parts: group, version, name.
func short(name string) string {
	parts := strings.Split(name, ".")
	return strings.Join(parts[max(0, len(parts)-3):], ".")
}

func contains(list []string, wanted string) bool {
	for _, item := range list {
		if item == wanted {
			return true
		}
	}
	return false
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func read(path string, into any) {
	raw, err := os.ReadFile(path)
	check(err)
	check(json.Unmarshal(raw, into))
}

func write(path, text string) { check(os.WriteFile(path, []byte(text), 0o644)) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
