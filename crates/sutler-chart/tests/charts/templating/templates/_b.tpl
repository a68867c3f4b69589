{{ define "twice" }}from _b{{ end }}{{ define "blank" }}body{{ end }}
