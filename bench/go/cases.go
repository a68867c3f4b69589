package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// prepare makes a case ready: what is not measured happens here.
func prepare(asked request) (work, error) {
	switch asked.Kind {
	case "parse":
		return parse(asked)
	case "execute":
		return execute(asked)
	case "text":
		return text(asked)
	case "load":
		return func(number int) (string, error) {
			loaded, err := loader.LoadDir(asked.Chart)
			if err != nil {
				return "", err
			}
			if number == shown {
				return listed(loaded)
			}
			return loaded.Name(), nil
		}, nil
	case "merge":
		return merge(asked)
	case "render":
		loaded, err := loader.LoadDir(asked.Chart)
		if err != nil {
			return nil, err
		}
		return func(int) (string, error) { return render(*loaded, deepCopy(asked.Values)) }, nil
	case "renderings":
		loaded, err := loader.LoadDir(asked.Chart)
		if err != nil {
			return nil, err
		}
		return func(number int) (string, error) {
			values := deepCopy(asked.Values)
			values["fullnameOverride"] = fmt.Sprintf("other-%d", max(number, 0))
			return render(*loaded, values)
		}, nil
	case "whole":
		return func(int) (string, error) {
			loaded, err := loader.LoadDir(asked.Chart)
			if err != nil {
				return "", err
			}
			return render(*loaded, deepCopy(asked.Values))
		}, nil
	}
	return nil, fmt.Errorf("no kind of case is called %q", asked.Kind)
}

// functions is what Helm's templates know by name. Helm's own are not exported; parsing needs their names only.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	never := func(...any) (any, error) { return nil, fmt.Errorf("not to be called") }
	for _, name := range []string{"toToml", "fromToml", "toYaml", "mustToYaml", "toYamlPretty", "fromYaml", "fromYamlArray", "fromJsonArray", "include", "tpl", "required", "lookup"} {
		all[name] = never
	}
	return all
}

// parse parses every template of a chart, its subcharts' included.
func parse(asked request) (work, error) {
	loaded, err := loader.LoadDir(asked.Chart)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	collect(loaded, loaded.Name(), texts)
	known := functions()
	return func(int) (string, error) {
		set := template.New("gotpl").Option("missingkey=zero").Funcs(known)
		for name, text := range texts {
			if _, err := set.New(name).Parse(text); err != nil {
				return "", err
			}
		}
		return fmt.Sprint(len(texts)), nil
	}, nil
}

func collect(loaded *chart.Chart, path string, texts map[string]string) {
	for _, file := range loaded.Templates {
		texts[path+"/"+file.Name] = string(file.Data)
	}
	for _, below := range loaded.Dependencies() {
		collect(below, path+"/charts/"+below.Name(), texts)
	}
}

// listed says what a chart holds: its files with their sizes, its values, and the same of its subcharts by name.
func listed(loaded *chart.Chart) (string, error) {
	var names []string
	for _, file := range append(slices.Clone(loaded.Templates), loaded.Files...) {
		names = append(names, fmt.Sprintf("%s %d\n", file.Name, len(file.Data)))
	}
	slices.Sort(names)
	values, err := json.Marshal(loaded.Values)
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf("%s\n%s%s\n", loaded.Name(), strings.Join(names, ""), values)
	below := slices.Clone(loaded.Dependencies())
	slices.SortFunc(below, func(a, b *chart.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	for _, one := range below {
		text, err := listed(one)
		if err != nil {
			return "", err
		}
		out += text
	}
	return out, nil
}

// execute executes a text that was parsed before.
func execute(asked request) (work, error) {
	parsed, err := template.New("gotpl").Option("missingkey=zero").Funcs(functions()).Parse(asked.Text)
	if err != nil {
		return nil, err
	}
	return func(int) (string, error) {
		var out bytes.Buffer
		err := parsed.Execute(&out, asked.Values)
		return out.String(), err
	}, nil
}

// text renders a chart whose one template is the text.
func text(asked request) (work, error) {
	one := chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "bench", Version: "1.0.0"},
		Templates: []*common.File{{Name: "templates/text.txt", Data: []byte(asked.Text)}},
	}
	return func(int) (string, error) {
		files, err := files(&one, asked.Values)
		return files["bench/templates/text.txt"], err
	}, nil
}

// merge lays values over those of a chart and of its subcharts.
func merge(asked request) (work, error) {
	loaded, err := loader.LoadDir(asked.Chart)
	if err != nil {
		return nil, err
	}
	return func(number int) (string, error) {
		merged, err := util.CoalesceValues(loaded, asked.Values)
		if err == nil && number == shown {
			text, err := json.Marshal(merged)
			return string(text), err
		}
		return fmt.Sprint(len(merged)), err
	}, nil
}

func files(loaded *chart.Chart, values map[string]any) (map[string]string, error) {
	release := common.ReleaseOptions{Name: "bench", Namespace: "default", Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(loaded, values, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, all)
}

// render does what `helm template` does between loading and printing. The chart is a copy, since processing its
// dependencies changes it.
func render(loaded chart.Chart, values map[string]any) (string, error) {
	metadata := *loaded.Metadata
	loaded.Metadata = &metadata
	loaded.Values = maps.Clone(loaded.Values)
	if err := chartutil.ProcessDependencies(&loaded, values); err != nil {
		return "", err
	}
	rendered, err := files(&loaded, values)
	if err != nil {
		return "", err
	}
	for name := range rendered {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(rendered, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, manifest := range manifests {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	fmt.Fprintf(&out, "%d hooks\n", len(hooks))
	return out.String(), nil
}

func deepCopy(values map[string]any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, value := range values {
		if inner, is := value.(map[string]any); is {
			value = deepCopy(inner)
		}
		copied[key] = value
	}
	return copied
}
