{{- define "a" }}{{ range $i, $e := .Values.list }}{{ if eq $e "x" }}{{ continue }}{{ else if $i }}{{ break }}{{ end }}{{ $e | quote }}{{ else }}none{{ end }}{{ end -}}
{{ block "b" . }}{{ with $v := .Values.a }}{{ $v.b }}{{ else with .x }}{{ end }}{{ end }}{{/* c */}}{{ template "a" . }}
