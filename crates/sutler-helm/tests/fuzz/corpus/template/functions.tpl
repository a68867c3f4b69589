a: {{ tpl "{{ .Values.text | upper }}" . | quote }}
b: {{ include "x" (dict "a" 1 "b" (list 1 2 "c")) | nindent 4 | default "d" }}{{ define "x" }}{{ toYaml . }}{{ end }}
c: {{ printf "%5.2f %q %v %T" 1.5 "x" .Values .Release | trunc 20 }} {{ regexReplaceAll "(a+)+$" "aaaa" "${1}x" }} {{ semverCompare ">=1.2 <3" "1.4.0" }}
d: {{ (.Files.Glob "*").AsConfig }} {{ fromYaml "a: [1, {b: c}]" | toJson }} {{ $x := 0x1F }}{{ $x = 'a' }}{{ index .Values.list 0 }}
