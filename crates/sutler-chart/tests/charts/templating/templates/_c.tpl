{{ define "blank" }}   {{ end }}
