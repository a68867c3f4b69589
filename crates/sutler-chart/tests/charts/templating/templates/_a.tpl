{{ define "twice" }}from _a{{ end }}{{ define "loop" }}{{ include "loop" . }}{{ end }}{{ define "fails" }}{{ .Values.text.x }}{{ end }}{{ define "inner" }}{{ include "fails" . }}{{ end }}
