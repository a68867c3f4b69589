{{- /* The prefix of all names. The head's Service is `<release>-ray-head-svc`, which must be a DNS label. */ -}}
{{- define "ray.fullname" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "release name %q cannot name a Service: it needs lower-case letters, digits and -, a letter first" .Release.Name) -}}
{{- end -}}
{{- if gt (len .Release.Name) 50 -}}
{{- fail (printf "release name %q is longer than 50 characters: %s-ray-head-svc would be no name for a Service" .Release.Name .Release.Name) -}}
{{- end -}}
{{- printf "%s-ray" .Release.Name -}}
{{- end -}}

{{- define "ray.clusterName" -}}
{{- .Values.clusterName | default .Release.Name -}}
{{- end -}}

{{- define "ray.image" -}}
{{- $tag := .Values.image.tag | default (printf "%s-py%s" .Values.rayVersion (.Values.pythonVersion | replace "." "")) -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}

{{- /* Labels of every object. */ -}}
{{- define "ray.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.rayVersion | quote }}
{{ include "ray.selectorLabels" . }}
sutler.dev/ray-cluster: {{ include "ray.clusterName" . | quote }}
{{- end -}}

{{- /* What selects this release's pods. */ -}}
{{- define "ray.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The service account as JSON {name, create, annotations}. */ -}}
{{- define "ray.serviceAccount" -}}
{{- $given := .Values.serviceAccount -}}
{{- $name := $given.name -}}
{{- $create := true -}}
{{- $annotations := $given.annotations | default dict -}}
{{- if .Values.role -}}
{{- $role := include "sutler.role" (dict "root" . "role" .Values.role "serviceAccount" $name "at" "role") | fromJson -}}
{{- $name = $role.serviceAccount -}}
{{- $create = not $role.made -}}
{{- if $role.arn -}}
{{- $annotations = mergeOverwrite (dict "eks.amazonaws.com/role-arn" $role.arn) $annotations -}}
{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" $given.create) -}}
{{- $create = $given.create -}}
{{- end -}}
{{- if not $name -}}
{{- $name = ternary (include "ray.fullname" .) "default" $create -}}
{{- end -}}
{{- dict "name" $name "create" $create "annotations" $annotations | toJson -}}
{{- end -}}

{{- /* A Kubernetes quantity in whole bytes, rounded down. */ -}}
{{- define "ray.bytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?" $text -}}
{{- $factors := dict "" "1" "m" "0.001" "k" "1e3" "M" "1e6" "G" "1e9" "T" "1e12" "P" "1e15" "Ki" "1024" "Mi" "1048576" "Gi" "1073741824" "Ti" "1099511627776" "Pi" "1125899906842624" -}}
{{- $suffix := trimPrefix $number $text -}}
{{- if or (not $number) (not (hasKey $factors $suffix)) -}}
{{- fail (printf "%q is not an amount of memory: write it as 4Gi or 512Mi" $text) -}}
{{- end -}}
{{- mulf (float64 $number) (float64 (get $factors $suffix)) | floor | int64 -}}
{{- end -}}

{{- /* CPUs that Ray counts for a CPU request: rounded up, at least 1. */ -}}
{{- define "ray.cpus" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+([.][0-9]*)?" $text -}}
{{- $suffix := trimPrefix $number $text -}}
{{- if or (not $number) (not (has $suffix (list "" "m"))) -}}
{{- fail (printf "%q is not a number of CPUs: write it as 2 or 500m" $text) -}}
{{- end -}}
{{- $cpus := ternary (divf (float64 $number) 1000) (float64 $number) (eq $suffix "m") -}}
{{- max 1 (ceil $cpus | int64) -}}
{{- end -}}

{{- /*
A container's resources as JSON. Takes resources (as given), fit (the pool's, or nothing) and fallback (cpu and memory).
Memory that is asked for is the limit too and the other way round: a pod over its request would be the first to be
killed when its node runs short. A CPU limit is only there when given: it would throttle Ray while the node idles.
*/ -}}
{{- define "ray.resources" -}}
{{- $resources := deepCopy (.resources | default dict) -}}
{{- if not $resources -}}
{{- $size := .fit | default .fallback -}}
{{- $resources = dict "requests" (dict "cpu" $size.cpu "memory" $size.memory) -}}
{{- if gt (int (get $size "gpu" | default 0)) 0 -}}
{{- $_ := set $resources "limits" (dict "nvidia.com/gpu" (int $size.gpu)) -}}
{{- end -}}
{{- end -}}
{{- $requests := get $resources "requests" | default dict -}}
{{- $limits := get $resources "limits" | default dict -}}
{{- $memory := get $limits "memory" | default (get $requests "memory") -}}
{{- if $memory -}}
{{- if not (hasKey $requests "memory") -}}{{- $_ := set $requests "memory" $memory -}}{{- end -}}
{{- if not (hasKey $limits "memory") -}}{{- $_ := set $limits "memory" $memory -}}{{- end -}}
{{- end -}}
{{- mergeOverwrite $resources (dict "requests" $requests "limits" $limits) | toJson -}}
{{- end -}}

{{- /* Bytes of the object store; 0 where memory has no limit. Takes root and resources. */ -}}
{{- define "ray.objectStoreMemory" -}}
{{- $memory := get (get .resources "limits") "memory" -}}
{{- if $memory -}}
{{- mulf (include "ray.bytes" $memory | float64) .root.Values.objectStoreMemoryFraction | floor | int64 -}}
{{- else -}}0{{- end -}}
{{- end -}}

{{- /* Arguments of `ray start` from a map: a flag that takes no value is there when it is true. */ -}}
{{- define "ray.startArguments" -}}
{{- $switches := list "head" "block" "disable-usage-stats" "no-monitor" "no-redirect-output" "ray-debugger-external" "enable-resource-isolation" -}}
{{- range $name, $value := . }}
{{- if has $name $switches }}
{{- if eq (toString $value) "true" }}
- {{ printf "--%s" $name | quote }}
{{- end }}
{{- else if kindIs "float64" $value }}
- {{ printf "--%s=%s" $name (toJson $value) | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Environment of every Ray container. Takes root and env (the head's or the group's). */ -}}
{{- define "ray.env" -}}
- name: RAY_CLUSTER_NAME
  value: {{ include "ray.clusterName" .root | quote }}
- name: RAY_USAGE_STATS_ENABLED
  value: "0"
{{- with concat (.root.Values.env | default list) (.env | default list) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* What head and workers have in common of a pod's spec. Takes root, part (head or group) and pool. */ -}}
{{- define "ray.podCommon" -}}
serviceAccountName: {{ (include "ray.serviceAccount" .root | fromJson).name }}
automountServiceAccountToken: false
# Service links would set RAY_* variables that Ray reads as its own settings.
enableServiceLinks: false
terminationGracePeriodSeconds: 60
{{- with .part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "sutler.nodeSelector" (dict "pool" .pool "nodeSelector" .part.nodeSelector) | fromJson }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with (include "sutler.tolerations" (dict "pool" .pool "tolerations" .part.tolerations) | fromJson).items }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Volumes of every Ray pod. Takes part and objectStore (bytes). */ -}}
{{- define "ray.volumes" -}}
- name: shm
  emptyDir:
    medium: Memory
    {{- if gt (int64 .objectStore) 0 }}
    # The object store and a little for what else lives there.
    sizeLimit: {{ printf "%dMi" (add (div (int64 .objectStore) 1048576) 65) }}
    {{- end }}
- name: ray-tmp
  emptyDir: {}
{{- with .part.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ray.volumeMounts" -}}
- name: shm
  mountPath: /dev/shm
- name: ray-tmp
  mountPath: /tmp/ray
{{- with .part.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
