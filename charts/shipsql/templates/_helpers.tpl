{{- define "shipsql.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "shipsql.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "shipsql.labels" -}}
{{ include "shipsql.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* The configuration with the chart's listener. What is obviously wrong on several nodes fails here. */}}
{{- define "shipsql.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $_ := required "config.store is needed: a reference to a PostgreSQL URL, because several pods share it" $config.store }}
{{- if hasPrefix "sqlite:" $config.store }}{{ fail "config.store: SQLite is for one process; several pods need PostgreSQL" }}{{ end }}
{{- include "shipsql.reference" (list "store" $config.store) }}
{{- with $config.redis }}{{ if contains "@" . }}{{ include "shipsql.reference" (list "redis" .) }}{{ end }}{{ end }}
{{- $github := ($config.providers | default dict).github | default list }}
{{- if kindIs "map" $github }}{{ $github = list $github }}{{ end }}
{{- range $i, $p := $github }}
{{- include "shipsql.reference" (list (printf "providers.github[%d].private_key" $i) $p.private_key) }}
{{- $hooks := $p.webhook_secret }}{{ if not (kindIs "slice" $hooks) }}{{ $hooks = list $hooks }}{{ end }}
{{- range $hooks }}{{ include "shipsql.reference" (list (printf "providers.github[%d].webhook_secret" $i) .) }}{{ end }}
{{- end }}
{{- range $i, $d := $config.databases }}
{{- include "shipsql.reference" (list (printf "databases[%d].url" $i) $d.url) }}
{{- with $d.review_url }}{{ include "shipsql.reference" (list (printf "databases[%d].review_url" $i) .) }}{{ end }}
{{- end }}
{{- $_ := set $config "server" (merge (dict "listen" ":8080") ($config.server | default dict)) }}
{{- toYaml $config }}
{{- end }}

{{- /* A ConfigMap is no place for a secret. */}}
{{- define "shipsql.reference" -}}
{{- $key := index . 0 }}{{ $value := index . 1 | toString }}
{{- if not (or (hasPrefix "env:" $value) (hasPrefix "file:" $value)) }}{{ fail (printf "config.%s must be a reference (file:/etc/shipsql/secrets/NAME/KEY or env:NAME): the configuration is a ConfigMap" $key) }}{{ end }}
{{- end }}

{{- /* One Deployment: dict "root" $ "name" NAME "component" C "args" LIST "part" VALUES. */}}
{{- define "shipsql.deployment" -}}
{{- $root := .root }}{{ $part := .part }}
{{- $own := $part.secrets | default dict }}
{{- $files := concat $root.Values.secrets.files ($own.files | default list) | uniq }}
{{- $env := concat $root.Values.secrets.env ($own.env | default list) | uniq }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    {{- include "shipsql.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ $part.replicas }}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "shipsql.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  template:
    metadata:
      annotations:
        checksum/config: {{ include "shipsql.config" $root | sha256sum }}
        {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
      labels:
        {{- include "shipsql.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
    spec:
      serviceAccountName: {{ include "shipsql.fullname" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{ toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "shipsql.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .component }}
      {{- with $part.nodeSelector | default $root.Values.nodeSelector }}
      nodeSelector: {{ toYaml . | nindent 8 }}
      {{- end }}
      {{- with $part.tolerations | default $root.Values.tolerations }}
      tolerations: {{ toYaml . | nindent 8 }}
      {{- end }}
      {{- with $part.affinity | default $root.Values.affinity }}
      affinity: {{ toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: shipsql
          image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            {{- toYaml (concat (list "serve" "--config" "/etc/shipsql/shipsql.yaml") .args) | nindent 12 }}
          ports:
            - {name: http, containerPort: 8080}
          {{- with $root.Values.env }}
          env: {{ toYaml . | nindent 12 }}
          {{- end }}
          {{- with $env }}
          envFrom:
            {{- range . }}
            - secretRef: {name: {{ . }}}
            {{- end }}
          {{- end }}
          # The listener opens once the store answers, for which serve waits a minute.
          startupProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 2
            failureThreshold: 45
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          resources: {{ toYaml ($part.resources | default $root.Values.worker.resources) | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: config, mountPath: /etc/shipsql/shipsql.yaml, subPath: shipsql.yaml, readOnly: true}
            {{- range $files }}
            - {name: {{ printf "secret-%s" . | trunc 63 | trimSuffix "-" }}, mountPath: {{ printf "/etc/shipsql/secrets/%s" . }}, readOnly: true}
            {{- end }}
      volumes:
        - name: config
          configMap: {name: {{ include "shipsql.fullname" $root }}}
        {{- range $files }}
        - name: {{ printf "secret-%s" . | trunc 63 | trimSuffix "-" }}
          secret: {secretName: {{ . }}, defaultMode: 0440}
        {{- end }}
{{- end }}
