//! A chart written for measuring: 60 templates with helpers, and three subcharts, as large public charts are built.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Templates of the chart itself; each subchart has a quarter as many.
const TEMPLATES: usize = 60;

const HELPERS: &str = r#"{{- define "NAME.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- define "NAME.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "NAME.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "NAME.selector" . }}
{{- with .Chart.AppVersion }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
"#;

const TEMPLATE: &str = r#"{{- $part := index .Values.parts "PART" -}}
{{- if $part.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "NAME.fullname" . }}-PART
  labels:
    {{- include "NAME.labels" . | nindent 4 }}
    part: PART
spec:
  replicas: {{ $part.replicas | default 1 }}
  selector:
    matchLabels:
      {{- include "NAME.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "NAME.selector" . | nindent 8 }}
      {{- with merge (dict) ($part.annotations | default dict) .Values.annotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      containers:
        - name: PART
          image: "{{ tpl $part.image $ }}"
          {{- if and $part.ports (gt (len $part.ports) 0) }}
          ports:
            {{- range $port := $part.ports }}
            - name: {{ $port.name }}
              containerPort: {{ $port.number | int }}
            {{- end }}
          {{- end }}
          env:
            {{- range $name, $value := .Values.env }}
            - name: {{ $name | upper | replace "-" "_" }}
              value: {{ $value | quote }}
            {{- end }}
          resources: {{- toYaml $part.resources | nindent 12 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "NAME.fullname" . }}-PART
  labels: {{- include "NAME.labels" . | nindent 4 }}
spec:
  ports:
    {{- range $part.ports }}
    - {name: {{ .name }}, port: {{ .number }}, targetPort: {{ .name }}}
    {{- end }}
{{- end }}
"#;

/// Writes the chart into a folder that does not exist.
pub(super) fn write(folder: &Path) -> Result<()> {
    chart(folder, "generated", TEMPLATES)?;
    for name in ["cache", "queue", "store"] {
        chart(&folder.join("charts").join(name), name, TEMPLATES / 4)?;
    }
    Ok(())
}

fn chart(folder: &Path, name: &str, parts: usize) -> Result<()> {
    let put = |file: &str, text: &str| {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write `{}`", path.display()))
    };
    put("Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: 4.5.6\n"))?;
    put("templates/_helpers.tpl", &HELPERS.replace("NAME", name))?;
    let mut values = String::from(
        "fullnameOverride: \"\"\nannotations: {team: data, example.com/scrape: \"true\"}\n\
         env: {log-level: info, region: us-west-2, retries: \"3\"}\nparts:\n",
    );
    for number in 0..parts {
        let part = format!("part{number}");
        put(&format!("templates/{part}.yaml"), &TEMPLATE.replace("NAME", name).replace("PART", &part))?;
        write!(
            values,
            "  {part}:\n    enabled: true\n    replicas: {replicas}\n    image: registry.example.com/{part}:{{{{ .Chart.AppVersion }}}}\n    \
             annotations: {{number: \"{number}\"}}\n    ports: [{{name: http, number: 8080}}, {{name: metrics, number: 9090}}]\n    \
             resources:\n      limits: {{cpu: 500m, memory: 512Mi}}\n      requests: {{cpu: 100m, memory: 128Mi}}\n",
            replicas = number % 5,
        )
        .context("cannot make the values")?;
    }
    put("values.yaml", &values)
}
