{{- /* The prefix of all names: the release's name, with the chart's unless that is in it. */ -}}
{{- define "autoscaler.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "autoscaler.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "autoscaler.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "autoscaler.selectorLabels" . }}
{{- end -}}

{{- /*
The image's tag. The autoscaler simulates the scheduler of the Kubernetes release that it was built with, so its minor
version is the cluster's. The table has each minor's newest release as tagged upstream by 2026-08; a minor that it lacks
gets its first.
*/ -}}
{{- define "autoscaler.tag" -}}
{{- if .Values.image.tag -}}
{{- .Values.image.tag -}}
{{- else -}}
{{- $cluster := get (include "sutler.global" . | fromJson) "cluster" | default dict -}}
{{- $version := get $cluster "kubernetesVersion" | default .Capabilities.KubeVersion.Version -}}
{{- $minor := regexFind "^v?1[.][0-9]+" $version | trimPrefix "v" -}}
{{- if not $minor -}}
{{- fail (printf "cannot tell the minor version of Kubernetes %q: give image.tag" $version) -}}
{{- end -}}
{{- $patches := dict "1.29" "5" "1.30" "7" "1.31" "5" "1.32" "7" "1.33" "6" "1.34" "5" "1.35" "2" "1.36" "1" -}}
{{- printf "v%s.%s" $minor (get $patches $minor | default "0") -}}
{{- end -}}
{{- end -}}

{{- /* The cluster's name: given, or the stack's. */ -}}
{{- define "autoscaler.clusterName" -}}
{{- $cluster := get (include "sutler.global" . | fromJson) "cluster" | default dict -}}
{{- $name := .Values.clusterName | default (get $cluster "name") -}}
{{- required "clusterName is required: the autoscaler finds the groups to manage by a tag with the cluster's name" $name -}}
{{- end -}}

{{- /* The pool as JSON: given, or the pool `autoscaler` where there is one. */ -}}
{{- define "autoscaler.pool" -}}
{{- $pools := get (include "sutler.global" . | fromJson) "pools" | default dict -}}
{{- $name := .Values.pool -}}
{{- if and (not $name) (hasKey $pools "autoscaler") -}}
{{- $name = "autoscaler" -}}
{{- end -}}
{{- include "sutler.pool" (dict "root" . "pool" $name "at" "pool") -}}
{{- end -}}

{{- /* The service account as JSON {name, create, annotations}. Its role is the one given, else the one that Sutler made for the autoscaler. */ -}}
{{- define "autoscaler.serviceAccount" -}}
{{- $given := .Values.serviceAccount -}}
{{- $name := $given.name -}}
{{- $create := true -}}
{{- $annotations := $given.annotations | default dict -}}
{{- $own := get (get (include "sutler.global" . | fromJson) "autoscaler" | default dict) "roleArn" -}}
{{- if .Values.role -}}
{{- $role := include "sutler.role" (dict "root" . "role" .Values.role "serviceAccount" $name "at" "role") | fromJson -}}
{{- $name = $role.serviceAccount -}}
{{- $create = not $role.made -}}
{{- if $role.arn -}}
{{- $annotations = mergeOverwrite (dict "eks.amazonaws.com/role-arn" $role.arn) $annotations -}}
{{- end -}}
{{- else if $own -}}
{{- $annotations = mergeOverwrite (dict "eks.amazonaws.com/role-arn" $own) $annotations -}}
{{- end -}}
{{- if not (kindIs "invalid" $given.create) -}}
{{- $create = $given.create -}}
{{- end -}}
{{- if not $name -}}
{{- $name = ternary (include "autoscaler.fullname" .) "default" $create -}}
{{- end -}}
{{- dict "name" $name "create" $create "annotations" $annotations | toJson -}}
{{- end -}}
