{{- /*
What Sutler tells a chart about the cluster, in `global.sutler`. This file is the same in each of Sutler's charts.
With plain Helm `global.sutler` is absent: names of pools and roles are then errors that say what to give instead.
*/ -}}

{{- /* global.sutler as JSON; {} with plain Helm. Takes the root context. */ -}}
{{- define "sutler.global" -}}
{{- $global := .Values.global | default dict -}}
{{- get $global "sutler" | default dict | toJson -}}
{{- end -}}

{{- /* A pool as JSON. Takes root, pool (a name, may be empty) and at (the value's path, for messages). */ -}}
{{- define "sutler.pool" -}}
{{- $sutler := include "sutler.global" .root | fromJson -}}
{{- $pools := get $sutler "pools" | default dict -}}
{{- if not .pool -}}
{}
{{- else if not $sutler -}}
{{- fail (printf "%s is %q, but nobody told this chart about pools: with plain Helm give nodeSelector, tolerations and resources instead" .at .pool) -}}
{{- else if not (hasKey $pools .pool) -}}
{{- fail (printf "%s is %q, which is no pool of this cluster; known are: %s" .at .pool (keys $pools | sortAlpha | join ", ")) -}}
{{- else -}}
{{- get $pools .pool | toJson -}}
{{- end -}}
{{- end -}}

{{- /* The pods' nodeSelector: the pool's, then what is given, which wins. Takes pool (the object) and nodeSelector. */ -}}
{{- define "sutler.nodeSelector" -}}
{{- mergeOverwrite dict (get .pool "nodeSelector" | default dict) (.nodeSelector | default dict) | toJson -}}
{{- end -}}

{{- /* The pods' tolerations as {"items": […]}: the pool's and what is given. Takes pool (the object) and tolerations. */ -}}
{{- define "sutler.tolerations" -}}
{{- dict "items" (concat (get .pool "tolerations" | default list) (.tolerations | default list) | uniq) | toJson -}}
{{- end -}}

{{- /*
A role's ARN and the service account of the release's namespace that takes it, as JSON {arn, serviceAccount}.
Takes root, role (a name), serviceAccount (a name that was given, may be empty) and at (the value's path).
*/ -}}
{{- define "sutler.role" -}}
{{- $sutler := include "sutler.global" .root | fromJson -}}
{{- $roles := get $sutler "roles" | default dict -}}
{{- if not $sutler -}}
{{- fail (printf "%s is %q, but nobody told this chart about roles: with plain Helm give the service account's name, or its annotations, instead" .at .role) -}}
{{- else if not (hasKey $roles .role) -}}
{{- fail (printf "%s is %q, which is no role of this cluster; known are: %s" .at .role (keys $roles | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $role := get $roles .role -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $accounts := get (get $role "serviceAccounts" | default dict) $namespace | default list -}}
{{- $account := .serviceAccount -}}
{{- if not $account -}}
{{- if not $accounts -}}
{{- fail (printf "%s is %q, which has no service account in namespace %q; it has some in: %s" .at .role $namespace (keys (get $role "serviceAccounts" | default dict) | sortAlpha | join ", ")) -}}
{{- else if gt (len $accounts) 1 -}}
{{- fail (printf "%s is %q, which has several service accounts in namespace %q; name one of: %s" .at .role $namespace (join ", " $accounts)) -}}
{{- end -}}
{{- $account = first $accounts -}}
{{- end -}}
{{- dict "arn" (get $role "arn") "serviceAccount" $account "made" (has $account $accounts) | toJson -}}
{{- end -}}
