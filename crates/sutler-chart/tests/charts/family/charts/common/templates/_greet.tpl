{{- define "common.greet" -}}
greeting: hello {{ .who }}
{{- end -}}
