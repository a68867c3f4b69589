{{- /* The prefix of all names. The longest that follows is `-proxy-public`. */ -}}
{{- define "hub.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "%q cannot name a Service: it needs lower-case letters, digits and -, a letter first; give fullnameOverride" $name) -}}
{{- end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- /* What selects this release's pods; a component is added. */ -}}
{{- define "hub.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "hub.selectorLabels" . }}
{{- end -}}

{{- /* Environment variables from a map of names to values or sources. */ -}}
{{- define "hub.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ ternary (toJson $value) (toString $value) (kindIs "float64" $value) | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* `global.sutler.secretValues` as JSON: values that only a Secret holds. This chart takes them for `hub.config` alone. */ -}}
{{- define "hub.secretValues" -}}
{{- $given := get (include "sutler.global" . | fromJson) "secretValues" | default dict -}}
{{- range get $given "paths" | default list -}}
{{- if not (regexMatch "^hub[.]config[.][^.]+[.][^.]+$" .) -}}
{{- fail (printf "the secret value %s cannot be read from a Secret: this chart takes secrets as hub.config.<Class>.<trait>" .) -}}
{{- end -}}
{{- end -}}
{{- dict "secretName" (get $given "secretName") "paths" (get $given "paths" | default list) "checksum" (get $given "checksum") | toJson -}}
{{- end -}}

{{- /* The class of the authenticator, as written. */ -}}
{{- define "hub.authenticator" -}}
{{- get (get .Values.hub.config "JupyterHub" | default dict) "authenticator_class" | default "pam" -}}
{{- end -}}

{{- /*
The class and the trait of the one password that all users share, as JSON; {} where users log in otherwise. Takes root.
*/ -}}
{{- define "hub.sharedPassword" -}}
{{- $class := include "hub.authenticator" . -}}
{{- if has $class (list "dummy" "jupyterhub.auth.DummyAuthenticator") -}}
{"class": "DummyAuthenticator", "trait": "password"}
{{- else if has $class (list "shared-password" "jupyterhub.authenticators.shared.SharedPasswordAuthenticator") -}}
{"class": "SharedPasswordAuthenticator", "trait": "user_password"}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- /* The key of the shared password if this chart makes it; empty otherwise. */ -}}
{{- define "hub.madePassword" -}}
{{- $shared := include "hub.sharedPassword" . | fromJson -}}
{{- if $shared -}}
{{- $key := printf "hub.config.%s.%s" $shared.class $shared.trait -}}
{{- if not (or (hasKey (get .Values.hub.config $shared.class | default dict) $shared.trait) (has $key (include "hub.secretValues" . | fromJson).paths)) -}}
{{- $key -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Refuses a login that lets anybody in, unless that is said. */ -}}
{{- define "hub.checkLogin" -}}
{{- if not .Values.hub.allowAnybody -}}
{{- $class := include "hub.authenticator" . -}}
{{- $config := .Values.hub.config -}}
{{- $say := "say hub.allowAnybody: true if that is meant" -}}
{{- $shared := include "hub.sharedPassword" . | fromJson -}}
{{- if $shared -}}
{{- $traits := get $config $shared.class | default dict -}}
{{- if and (hasKey $traits $shared.trait) (not (get $traits $shared.trait)) -}}
{{- fail (printf "hub.config.%s.%s is empty: that lets anybody in; leave it out and a password is made, or %s" $shared.class $shared.trait $say) -}}
{{- end -}}
{{- else if regexMatch "^(tmp|tmpauthenticator[.].*|nullauthenticator([.].*)?)$" $class -}}
{{- fail (printf "hub.config.JupyterHub.authenticator_class is %q: that lets anybody in; name an authenticator, or %s" $class $say) -}}
{{- end -}}
{{- $public := dict "github" "GitHub" "google" "Google" "gitlab" "GitLab" "bitbucket" "Bitbucket" "globus" "Globus" "cilogon" "CILogon" "mediawiki" "MediaWiki" -}}
{{- range $short, $provider := $public -}}
{{- if regexMatch (printf "(?i)^((local-)?%s|(.*[.])?(Local)?%sOAuthenticator)$" $short $short) $class -}}
{{- range $name := list "Authenticator" "OAuthenticator" (printf "%sOAuthenticator" $provider) -}}
{{- if eq (toString (get (get $config $name | default dict) "allow_all")) "true" -}}
{{- fail (printf "hub.config.%s.allow_all lets in anybody with an account at %s; name users or groups, or %s" $name $provider $say) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Secrets that are made once, by key, in base64, as JSON: those of the Secret in the cluster if it is there, new ones
otherwise. Without a cluster to look at, as in `helm template`, they are new each time.
*/ -}}
{{- define "hub.keys" -}}
{{- $config := .Values.hub.config -}}
{{- $found := get (lookup "v1" "Secret" .Release.Namespace (printf "%s-hub-keys" (include "hub.fullname" .)) | default dict) "data" | default dict -}}
{{- $keys := dict -}}
{{- $wanted := dict "hub.config.ConfigurableHTTPProxy.auth_token" 64 "hub.config.JupyterHub.cookie_secret" 64 "hub.config.CryptKeeper.keys" 64 -}}
{{- with include "hub.madePassword" . -}}
{{- $_ := set $wanted . 20 -}}
{{- end -}}
{{- range $key, $length := $wanted -}}
{{- $steps := splitList "." $key -}}
{{- $explicit := get (get $config (index $steps 2) | default dict) (index $steps 3) -}}
{{- if $explicit -}}
{{- /* A list of keys stays in `hub.config`. */ -}}
{{- if kindIs "string" $explicit -}}
{{- $_ := set $keys $key (b64enc $explicit) -}}
{{- end -}}
{{- else if hasKey $found $key -}}
{{- $_ := set $keys $key (get $found $key) -}}
{{- else if eq $length 64 -}}
{{- $_ := set $keys $key (randAlphaNum 64 | sha256sum | b64enc) -}}
{{- else -}}
{{- $_ := set $keys $key (randAlphaNum $length | b64enc) -}}
{{- end -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{- /* Where the proxy's token is, as a secretKeyRef. */ -}}
{{- define "hub.tokenSource" -}}
{{- $key := "hub.config.ConfigurableHTTPProxy.auth_token" -}}
{{- $secretValues := include "hub.secretValues" . | fromJson -}}
name: {{ ternary (toString $secretValues.secretName) (printf "%s-hub-keys" (include "hub.fullname" .)) (has $key $secretValues.paths) }}
key: {{ $key }}
{{- end -}}

{{- /* The service account of users' servers; empty for none. */ -}}
{{- define "hub.userServiceAccount" -}}
{{- $user := .Values.singleuser -}}
{{- $name := $user.serviceAccountName -}}
{{- if and $user.role (not $name) -}}
{{- $name = (include "sutler.role" (dict "root" . "role" $user.role "serviceAccount" "" "at" "singleuser.role") | fromJson).serviceAccount -}}
{{- end -}}
{{- $name | default "" -}}
{{- end -}}
