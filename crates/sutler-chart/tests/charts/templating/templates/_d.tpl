{{ define "novalue" }}{{ .Values.missing }}{{ end }}
