{{- /*
The hub's configuration, as JSON of class, trait and value: what follows from the chart's values, and `hub.config` over
it. `files/jupyterhub_config.py` sets it.
*/ -}}
{{- define "hub.config" -}}
{{- $name := include "hub.fullname" . -}}
{{- $hub := .Values.hub -}}
{{- $jupyterhub := dict
  "base_url" $hub.baseUrl
  "hub_bind_url" "http://:8081"
  "hub_connect_url" (printf "http://%s-hub:8081" $name)
  "cleanup_servers" false
  "cleanup_proxy" false
  "last_activity_interval" 60
  "spawner_class" "kubespawner.KubeSpawner"
  "allow_named_servers" $hub.allowNamedServers
  "concurrent_spawn_limit" (int $hub.concurrentSpawnLimit)
  "tornado_settings" (dict "slow_spawn_timeout" 0)
-}}
{{- if not (kindIs "invalid" $hub.activeServerLimit) -}}
{{- $_ := set $jupyterhub "active_server_limit" (int $hub.activeServerLimit) -}}
{{- end -}}
{{- if eq $hub.db.type "sqlite-pvc" -}}
{{- $_ := set $jupyterhub "db_url" "sqlite:////srv/jupyterhub/jupyterhub.sqlite" -}}
{{- else if eq $hub.db.type "sqlite-memory" -}}
{{- $_ := set $jupyterhub "db_url" "sqlite://" -}}
{{- else if $hub.db.url -}}
{{- $_ := set $jupyterhub "db_url" $hub.db.url -}}
{{- end -}}
{{- if $hub.db.upgrade -}}
{{- $_ := set $jupyterhub "upgrade_db" true -}}
{{- end -}}
{{- if .Values.debug.enabled -}}
{{- $_ := set $jupyterhub "log_level" "DEBUG" -}}
{{- end -}}
{{- $roles := list -}}
{{- range $role, $spec := $hub.loadRoles -}}
{{- if lt (len $role) 3 -}}
{{- fail (printf "hub.loadRoles has %q: JupyterHub refuses role names of less than three characters" $role) -}}
{{- end -}}
{{- $roles = append $roles (mergeOverwrite (dict "name" $role) $spec) -}}
{{- end -}}
{{- with $roles -}}
{{- $_ := set $jupyterhub "load_roles" . -}}
{{- end -}}
{{- $config := dict
  "JupyterHub" $jupyterhub
  "ConfigurableHTTPProxy" (dict "should_start" false "api_url" (printf "http://%s-proxy-api:8001" $name))
  "KubeSpawner" (include "hub.spawner" . | fromJson)
-}}
{{- $given := deepCopy $hub.config -}}
{{- $shared := include "hub.sharedPassword" . | fromJson -}}
{{- if $shared -}}
{{- /* Since JupyterHub 5 a login needs a rule that lets users in; with a shared password that is the rule. */ -}}
{{- $rules := list -}}
{{- range list "Authenticator" $shared.class -}}
{{- $rules = concat $rules (keys (get $given . | default dict)) -}}
{{- end -}}
{{- if not (or (has "allow_all" $rules) (has "allowed_users" $rules)) -}}
{{- $_ := set $config $shared.class (dict "allow_all" true) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $config $given | toJson -}}
{{- end -}}

{{- /* KubeSpawner's settings from `singleuser`, as JSON. */ -}}
{{- define "hub.spawner" -}}
{{- $user := .Values.singleuser -}}
{{- $storage := $user.storage -}}
{{- $pool := include "sutler.pool" (dict "root" . "pool" $user.pool "at" "singleuser.pool") | fromJson -}}
{{- $spawner := dict
  "namespace" .Release.Namespace
  "common_labels" (dict "app" "jupyterhub" "app.kubernetes.io/name" .Chart.Name "app.kubernetes.io/instance" .Release.Name)
  "image" (printf "%s:%s" $user.image.name $user.image.tag)
  "image_pull_policy" $user.image.pullPolicy
  "start_timeout" (int $user.startTimeout)
  "uid" (int $user.uid)
  "fs_gid" (int $user.fsGid)
  "allow_privilege_escalation" $user.allowPrivilegeEscalation
  "automount_service_account_token" false
  "node_selector" (include "sutler.nodeSelector" (dict "pool" $pool "nodeSelector" $user.nodeSelector) | fromJson)
  "tolerations" (include "sutler.tolerations" (dict "pool" $pool "tolerations" $user.extraTolerations) | fromJson).items
  "extra_labels" $user.extraLabels
  "extra_annotations" (mergeOverwrite (dict "cluster-autoscaler.kubernetes.io/safe-to-evict" (toString $user.safeToEvict)) $user.extraAnnotations)
  "extra_resource_guarantees" $user.extraResource.guarantees
  "extra_resource_limits" $user.extraResource.limits
  "extra_pod_config" $user.extraPodConfig
-}}
{{- $environment := dict -}}
{{- range $key, $value := $user.extraEnv -}}
{{- $_ := set $environment $key (ternary $value (ternary (toJson $value) (toString $value) (kindIs "float64" $value)) (kindIs "map" $value)) -}}
{{- end -}}
{{- $_ := set $spawner "environment" $environment -}}
{{- $optional := dict
  "cpu_guarantee" $user.cpu.guarantee
  "cpu_limit" $user.cpu.limit
  "mem_guarantee" $user.memory.guarantee
  "mem_limit" $user.memory.limit
  "default_url" $user.defaultUrl
  "service_account" (include "hub.userServiceAccount" .)
-}}
{{- range $trait, $value := $optional -}}
{{- if $value -}}
{{- $_ := set $spawner $trait $value -}}
{{- end -}}
{{- end -}}
{{- with $user.cmd -}}
{{- $_ := set $spawner "cmd" (ternary . (list .) (kindIs "slice" .)) -}}
{{- end -}}
{{- with $user.image.pullSecrets -}}
{{- $names := list -}}
{{- range . -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $_ := set $spawner "image_pull_secrets" $names -}}
{{- end -}}
{{- if .Values.debug.enabled -}}
{{- $_ := set $spawner "debug" true -}}
{{- end -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- if eq $storage.type "dynamic" -}}
{{- $_ := set $spawner "storage_pvc_ensure" true -}}
{{- $_ := set $spawner "storage_capacity" $storage.capacity -}}
{{- $_ := set $spawner "pvc_name_template" $storage.dynamic.pvcNameTemplate -}}
{{- $_ := set $spawner "storage_access_modes" $storage.dynamic.storageAccessModes -}}
{{- with $storage.dynamic.storageClass -}}
{{- $_ := set $spawner "storage_class" . -}}
{{- end -}}
{{- $volumes = append $volumes (dict "name" $storage.dynamic.volumeNameTemplate "persistentVolumeClaim" (dict "claimName" "{pvc_name}")) -}}
{{- $mounts = append $mounts (dict "name" $storage.dynamic.volumeNameTemplate "mountPath" $storage.homeMountPath) -}}
{{- else if eq $storage.type "static" -}}
{{- $claim := required "singleuser.storage.static.pvcName is required with singleuser.storage.type static" $storage.static.pvcName -}}
{{- $volumes = append $volumes (dict "name" "home" "persistentVolumeClaim" (dict "claimName" $claim)) -}}
{{- $mounts = append $mounts (dict "name" "home" "mountPath" $storage.homeMountPath "subPath" $storage.static.subPath) -}}
{{- end -}}
{{- range $volume, $spec := $storage.extraVolumes -}}
{{- $volumes = append $volumes (mergeOverwrite (dict "name" $volume) $spec) -}}
{{- end -}}
{{- range $volume, $spec := $storage.extraVolumeMounts -}}
{{- $mounts = append $mounts (mergeOverwrite (dict "name" $volume) $spec) -}}
{{- end -}}
{{- $_ := set $spawner "volumes" $volumes -}}
{{- $_ := set $spawner "volume_mounts" $mounts -}}
{{- with include "hub.profiles" . | fromJsonArray -}}
{{- $_ := set $spawner "profile_list" . -}}
{{- end -}}
{{- toJson $spawner -}}
{{- end -}}

{{- /* `singleuser.profileList` as KubeSpawner takes it, as JSON: a profile's pool becomes what it means for the pod. */ -}}
{{- define "hub.profiles" -}}
{{- $root := . -}}
{{- $profiles := list -}}
{{- range $index, $given := .Values.singleuser.profileList -}}
{{- $at := printf "singleuser.profileList[%d]" $index -}}
{{- $override := dict -}}
{{- $pool := include "sutler.pool" (dict "root" $root "pool" $given.pool "at" (printf "%s.pool" $at)) | fromJson -}}
{{- if $given.pool -}}
{{- $_ := set $override "node_selector" (include "sutler.nodeSelector" (dict "pool" $pool "nodeSelector" $root.Values.singleuser.nodeSelector) | fromJson) -}}
{{- $_ := set $override "tolerations" (include "sutler.tolerations" (dict "pool" $pool "tolerations" $root.Values.singleuser.extraTolerations) | fromJson).items -}}
{{- end -}}
{{- if $given.wholeNode -}}
{{- $fit := required (printf "%s.wholeNode needs a pool whose nodes' size is known" $at) (get $pool "fit") -}}
{{- $_ := set $override "cpu_guarantee" (include "hub.cpus" $fit.cpu | float64) -}}
{{- $_ := set $override "mem_guarantee" (include "hub.bytes" $fit.memory) -}}
{{- $_ := set $override "mem_limit" (include "hub.bytes" $fit.memory) -}}
{{- if gt (int (get $fit "gpu")) 0 -}}
{{- $_ := set $override "extra_resource_limits" (dict "nvidia.com/gpu" (toString (int $fit.gpu))) -}}
{{- end -}}
{{- end -}}
{{- $override = mergeOverwrite $override (deepCopy ($given.kubespawner_override | default dict)) -}}
{{- $profile := omit (deepCopy $given) "pool" "wholeNode" "kubespawner_override" -}}
{{- $profiles = append $profiles (mergeOverwrite $profile (dict "kubespawner_override" $override)) -}}
{{- end -}}
{{- toJson $profiles -}}
{{- end -}}

{{- /* CPUs of a Kubernetes quantity, as a number. */ -}}
{{- define "hub.cpus" -}}
{{- $text := toString . -}}
{{- if hasSuffix "m" $text -}}
{{- divf (trimSuffix "m" $text | float64) 1000 -}}
{{- else -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{- /* A Kubernetes quantity of memory as KubeSpawner takes it: its M is 1024 × 1024, as Kubernetes' Mi. */ -}}
{{- define "hub.bytes" -}}
{{- $text := toString . -}}
{{- if not (regexMatch "^[0-9]+([KMGT]i)?$" $text) -}}
{{- fail (printf "%q is not an amount of memory in Ki, Mi, Gi or Ti" $text) -}}
{{- end -}}
{{- trimSuffix "i" $text -}}
{{- end -}}
