// Command judge answers, by the real Kubernetes libraries, what sutler-objects computes itself: one JSON case a line on
// standard input, one JSON answer a line on standard output. See ../judge.rs for the cases.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

type question struct {
	Op         string          `json:"op"`
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Original   json.RawMessage `json:"original"`
	Modified   json.RawMessage `json:"modified"`
	Current    json.RawMessage `json:"current"`
	Patch      json.RawMessage `json:"patch"`
	Text       string          `json:"text"`
	Labels     map[string]string
	Steps      []step `json:"steps"`
}

type step struct {
	Verb    string          `json:"verb"`
	Manager string          `json:"manager"`
	Force   bool            `json:"force"`
	Object  json.RawMessage `json:"object"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	converter := applyconfigurations.NewTypeConverter(scheme.Scheme)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer, err := safely(q, converter)
		line := map[string]any{"ok": answer}
		if err != nil {
			line = map[string]any{"error": err.Error()}
		}
		raw, err := json.Marshal(line)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintf(out, "%s\n", raw)
	}
}

func safely(q question, converter managedfields.TypeConverter) (answer any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return ask(q, converter)
}

func ask(q question, converter managedfields.TypeConverter) (any, error) {
	gv, err := schema.ParseGroupVersion(q.APIVersion)
	if err != nil {
		return nil, err
	}
	gvk := gv.WithKind(q.Kind)
	switch q.Op {
	case "strategic", "two-way", "three-way":
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		patchMeta, err := strategicpatch.NewPatchMetaFromStruct(object)
		if err != nil {
			return nil, err
		}
		var result []byte
		switch q.Op {
		case "strategic":
			result, err = strategicpatch.StrategicMergePatch(q.Original, q.Patch, object)
		case "two-way":
			result, err = strategicpatch.CreateTwoWayMergePatch(q.Original, q.Modified, object)
		case "three-way":
			result, err = strategicpatch.CreateThreeWayMergePatch(q.Original, q.Modified, q.Current, patchMeta, true)
		}
		return json.RawMessage(result), err
	case "three-way-merge":
		result, err := jsonmergepatch.CreateThreeWayJSONMergePatch(q.Original, q.Modified, q.Current)
		return json.RawMessage(result), err
	case "quantity":
		quantity, err := resource.ParseQuantity(q.Text)
		if err != nil {
			return nil, err
		}
		// A fresh one, without the text it was read from.
		fresh := quantity.DeepCopy()
		fresh.Add(resource.Quantity{})
		return []any{fresh.String(), fmt.Sprint(quantity.Value()), fmt.Sprint(quantity.MilliValue())}, nil
	case "selector":
		selector, err := labels.Parse(q.Text)
		if err != nil {
			return nil, fmt.Errorf("refused")
		}
		return selector.Matches(labels.Set(q.Labels)), nil
	case "apply":
		return apply(q, gvk, converter)
	}
	return nil, fmt.Errorf("unknown op %q", q.Op)
}

// fieldManager is put together as the API server does it, but for conversion and defaults.
func fieldManager(gvk schema.GroupVersionKind, converter managedfields.TypeConverter) (*managedfields.FieldManager, error) {
	return managedfields.NewDefaultFieldManager(converter, runtime.UnsafeObjectConvertor(scheme.Scheme), noDefaults{}, scheme.Scheme, gvk, gvk.GroupVersion(), "", nil)
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

// apply carries out the steps and answers the object and the owners of its fields after each.
func apply(q question, gvk schema.GroupVersionKind, converter managedfields.TypeConverter) (any, error) {
	manager, err := fieldManager(gvk, converter)
	if err != nil {
		return nil, err
	}
	live, err := empty(gvk)
	if err != nil {
		return nil, err
	}
	var answers []any
	for _, s := range q.Steps {
		var next runtime.Object
		switch s.Verb {
		case "apply":
			object := &unstructured.Unstructured{}
			if err := json.Unmarshal(s.Object, &object.Object); err != nil {
				return nil, err
			}
			next, err = manager.Apply(live, object, s.Manager, s.Force)
		case "update":
			var object runtime.Object
			object, err = scheme.Scheme.New(gvk)
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(s.Object, object); err != nil {
				return nil, err
			}
			object.GetObjectKind().SetGroupVersionKind(gvk)
			next, err = manager.Update(live, object, s.Manager)
		}
		if err != nil {
			answers = append(answers, map[string]any{"error": err.Error()})
			continue
		}
		accessor, err := meta.Accessor(next)
		if err != nil {
			return nil, err
		}
		// An object that is stored has a uid; without one the next step would count as a create.
		accessor.SetUID("u")
		next.GetObjectKind().SetGroupVersionKind(gvk)
		live = next
		answers = append(answers, map[string]any{"object": shown(next), "owners": owners(accessor.GetManagedFields())})
	}
	return answers, nil
}

func empty(gvk schema.GroupVersionKind) (runtime.Object, error) {
	object, err := scheme.Scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(gvk)
	return object, nil
}

func shown(object runtime.Object) any {
	raw, _ := json.Marshal(object)
	var value map[string]any
	_ = json.Unmarshal(raw, &value)
	if metadata, ok := value["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
		delete(metadata, "uid")
	}
	return value
}

func owners(entries []metav1.ManagedFieldsEntry) map[string]any {
	all := map[string]any{}
	for _, entry := range entries {
		var fields any
		_ = json.Unmarshal(entry.FieldsV1.Raw, &fields)
		all[strings.Join([]string{entry.Manager, string(entry.Operation), entry.APIVersion, entry.Subresource}, " ")] = fields
	}
	return all
}
